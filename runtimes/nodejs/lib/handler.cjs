'use strict';
// Finds the function's handler.

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');
const errors = require('./errors.cjs');
const { isStreaming } = require('./streaming.cjs');

// load returns the handler called name, "file.export" with directories before the file and dots inside the export.
async function load(root, name) {
  if (name.includes('..')) {
    throw new errors.MalformedHandlerName(
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const base = path.basename(name);
  const directory = name.substring(0, name.indexOf(base));
  const dot = base.indexOf('.');
  if (dot < 0) throw new errors.MalformedHandlerName('Bad handler');
  const module = await loadModule(root, directory, base.slice(0, dot));
  const handler = base.slice(dot + 1).split('.').reduce((value, key) => value && value[key], module);
  if (!handler) throw new errors.HandlerNotFound(`${name} is undefined or not exported`);
  if (typeof handler !== 'function') throw new errors.HandlerNotFound(`${name} is not a function`);
  isStreaming(handler); // throws if it asks for a way to answer that does not exist
  return handler;
}

async function loadModule(root, directory, name) {
  try {
    return await findModule(root, directory, name);
  } catch (error) {
    if (error instanceof SyntaxError) throw new errors.UserCodeSyntaxError(error);
    if (error && error.code === 'MODULE_NOT_FOUND') throw new errors.ImportModuleError(error);
    throw error;
  }
}

// findModule tries names in the order of Amazon's runtimes: as it is, .js, .mjs, .cjs, and at last what Node.js finds
// under the name as a package.
async function findModule(root, directory, name) {
  const file = path.resolve(root, directory, name);
  if (fs.existsSync(file)) return require(file);
  if (fs.existsSync(file + '.js')) {
    return isModulePackage(path.dirname(file)) ? import(pathToFileURL(file + '.js')) : require(file + '.js');
  }
  if (fs.existsSync(file + '.mjs')) return import(pathToFileURL(file + '.mjs'));
  if (fs.existsSync(file + '.cjs')) return require(file + '.cjs');
  return require(require.resolve(name, { paths: [root, directory] }));
}

// isModulePackage tells whether the package that directory is part of says that its .js files are ES modules.
function isModulePackage(directory) {
  for (; path.basename(directory) !== 'node_modules'; directory = path.dirname(directory)) {
    const description = path.join(directory, 'package.json');
    if (fs.existsSync(description)) return JSON.parse(fs.readFileSync(description, 'utf8')).type === 'module';
    if (directory === path.dirname(directory)) break;
  }
  return false;
}

module.exports = { load };
