'use strict';
// What a process has around it: environment variables, directory, where packages are found, heap, console,
// globals.

const Module = require('module');
const path = require('path');
const { fitHeap } = require('./heap.cjs');
const { patchConsole } = require('./logs.cjs');
const streaming = require('./streaming.cjs');

// enter makes the process what it would be had it been started with the variables env for the function in root.
function enter(root, env) {
  setVariables(env);
  fitHeap(Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE));
  process.chdir(root);
  setModulePaths(root);
  patchConsole();
  streaming.install();
}

// setVariables makes variables the whole environment. Each write costs a call into C++, and TZ a new calendar.
function setVariables(variables) {
  const { env } = process;
  for (const name of Object.keys(env)) {
    if (!(name in variables)) delete env[name];
  }
  for (const name of Object.keys(variables)) {
    if (env[name] !== variables[name]) env[name] = variables[name];
  }
}

// setModulePaths makes require look where NODE_PATH says, or else where layers have their packages.
function setModulePaths(root) {
  if (!process.env.NODE_PATH) {
    const major = process.versions.node.split('.')[0];
    process.env.NODE_PATH = [
      `/opt/nodejs/node${major}/node_modules`, '/opt/nodejs/node_modules', path.join(__dirname, '../node_modules'), root,
    ].join(':');
  }
  Module._initPaths();
}

module.exports = { enter };
