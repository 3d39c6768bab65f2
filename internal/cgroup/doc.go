// Package cgroup puts processes into control groups, limits them and reads what they use, on hosts with version 1 (one
// directory tree per controller) and version 2 (one tree). It knows nothing of sandboxes.
//
// A Tree is one directory below the root of each hierarchy, "thaw" say; it owns everything in it. A Group is one
// directory below that, and exists between Create and Remove.
package cgroup
