#!/usr/bin/env -S SCRIBE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS} NODE_EXTRA_CA_CERTS= node
'use strict';

require('./bundle.js').start('replay', 'replayer-worker');
