#!/usr/bin/env node
'use strict';

require('./bundle.js').start('replay', 'replayer-worker');
