// Package mapping owns event source mappings: which source's records are brought to which function, in which batches. It
// checks what each kind of source may have (check.go), stores mappings as records and keeps their states.
//
// It does not poll. A Poller is told of the mappings of the kinds of source that it serves; a mapping of a source that
// nobody polls is refused after it was checked.
//
// Life cycle of a mapping: Create answers Creating or Disabled, Update answers Updating, Delete answers Deleting and the
// mapping is gone; read later it is Enabled or Disabled. A mapping outlives its function, as on AWS.
package mapping
