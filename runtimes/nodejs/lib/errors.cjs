'use strict';
// Error objects: what a caller gets when a function failed, and the same as log text.

const { types } = require('util');
const { stringify } = JSON;

// Failures that the runtime finds, with Lambda's Runtime.* error types as names.
const [
  ImportModuleError, HandlerNotFound, MalformedHandlerName, UserCodeSyntaxError, UnhandledPromiseRejection,
  MalformedStreamingHandler, InvalidStreamingOperation,
] = [
  'ImportModuleError', 'HandlerNotFound', 'MalformedHandlerName', 'UserCodeSyntaxError', 'UnhandledPromiseRejection',
  'MalformedStreamingHandler', 'InvalidStreamingOperation',
].map((name) => {
  const type = class extends Error {};
  Object.defineProperty(type, 'name', { value: name });
  type.prototype.name = `Runtime.${name}`;
  return type;
});

// toReply returns the error object for whatever a function threw.
function toReply(error) {
  try {
    if (types.isNativeError(error) || looksLikeError(error)) {
      const [errorType, errorMessage, stack] = [error.name, error.message, error.stack].map(escapeDelete);
      return { errorType, errorMessage, trace: stack.split('\n') };
    }
    return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
  } catch {
    return {
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
    };
  }
}

// toLog returns the log text for whatever a function threw: JSON with all of an error's own properties.
function toLog(error) {
  try {
    return '\t' + stringify(asError(error), (_, value) => (value instanceof Error ? withProperties(value) : value));
  } catch {
    return '\t' + stringify(toReply(error));
  }
}

function asError(value) {
  return value instanceof Error ? value : new Error(value);
}

function withProperties(error) {
  const all = { errorType: error.name, errorMessage: error.message, code: error.code, ...error };
  if (typeof error.stack === 'string') all.stack = error.stack.split('\n');
  return all;
}

function looksLikeError(value) {
  return Boolean(value) && ['name', 'message', 'stack'].every((key) => value[key] && typeof value[key] === 'string');
}

function escapeDelete(text) {
  return text.replace(/\x7f/g, '%7F');
}

module.exports = {
  ImportModuleError, HandlerNotFound, MalformedHandlerName, UserCodeSyntaxError, UnhandledPromiseRejection,
  MalformedStreamingHandler, InvalidStreamingOperation,
  toReply, toLog, asError,
};
