// The thread that traces, when the commands run from their bundle.
'use strict';

require('./bundle.js').runThread('recorder-worker');
