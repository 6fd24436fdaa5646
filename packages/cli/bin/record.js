#!/usr/bin/env node
'use strict';

require('./bundle.js').start('record', 'recorder-worker');
