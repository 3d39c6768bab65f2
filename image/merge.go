package image

// Merge lays over upon t, as if its files were copied there: directories that both have become one, with the metadata of
// over's; whatever else both have is replaced by over's, a directory with all that is in it. t takes over's entries,
// so over must not be used any more.
func (t *Tree) Merge(over *Tree) {
	t.merge(t.root, over.root)
}

func (t *Tree) merge(to, from *node) {
	to.Entry = from.Entry
	for name, c := range from.children {
		old := to.children[name]
		if old != nil && old.Mode.IsDir() && c.Mode.IsDir() {
			t.merge(old, c)
			continue
		}
		if old != nil {
			t.tally(old, -1)
		}
		to.children[name] = c
		t.tally(c, 1)
	}
}

// tally adds n and everything below it to what the tree counts, or with sign -1 takes it away.
func (t *Tree) tally(n *node, sign int) {
	t.count += sign
	t.bytes += int64(sign) * fileSize(n.Entry)
	for _, c := range n.children {
		t.tally(c, sign)
	}
}
