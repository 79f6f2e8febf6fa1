// node cluster.js NAME 2: NAME.js in so many worker processes behind one port, without sticky sessions
// and without a shared bus. Engine.IO's polling fails there, and a message reaches only the clients of
// the worker that took it: what a harness must survive and show.
'use strict';
const cluster = require('cluster');
const path = require('path');

if (cluster.isPrimary) {
  const workers = Number(process.argv[3]) || 2;
  for (let i = 0; i < workers; i++) cluster.fork();
} else {
  require(path.resolve(__dirname, `${process.argv[2]}.js`));
}
