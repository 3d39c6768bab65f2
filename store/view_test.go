package store

import "testing"

// The watcher and the writers bring the same changes in different orders; each case ends in the state of the last
// change, whatever the order.
func TestViewOrder(t *testing.T) {
	t.Parallel()
	key := recordKey{account: "a", name: "f"}
	at := func(seq uint64) *Function { return &Function{Seq: seq} }
	type step struct {
		watched bool
		seq     uint64
		f       *Function
	}
	for _, test := range []struct {
		name  string
		steps []step
		want  uint64 // 0: absent
	}{
		{"writer first", []step{{false, 1, at(1)}, {true, 1, at(1)}}, 1},
		{"watcher first", []step{{true, 1, at(1)}, {false, 1, at(1)}}, 1},
		{"watcher behind", []step{{false, 1, at(1)}, {false, 2, at(2)}, {true, 1, at(1)}}, 2},
		{"writers overtake each other", []step{{false, 2, at(2)}, {false, 1, at(1)}}, 2},
		{"late watcher does not revive", []step{{true, 1, at(1)}, {false, 2, at(2)}, {false, 3, nil}, {true, 2, at(2)}}, 0},
		{"late writer does not revive", []step{{true, 1, at(1)}, {true, 2, nil}, {false, 1, at(1)}}, 0},
		{"late writer does not revive an older deletion", []step{{false, 2, nil}, {false, 1, at(1)}}, 0},
		{"created again", []step{{false, 1, at(1)}, {false, 2, nil}, {false, 3, at(3)}, {true, 1, at(1)}, {true, 2, nil}}, 3},
		{"late deletion", []step{{true, 1, at(1)}, {true, 2, nil}, {true, 3, at(3)}, {false, 2, nil}}, 3},
	} {
		v := newView()
		for _, s := range test.steps {
			if s.watched {
				v.watch(key, record{seq: s.seq, function: s.f})
			} else {
				v.wrote(key, record{seq: s.seq, function: s.f})
			}
		}
		var got uint64
		if f, ok := v.get(key.account, key.name); ok {
			got = f.Seq
		}
		if got != test.want {
			t.Errorf("%s: state %d, want %d", test.name, got, test.want)
		}
		v.watch(recordKey{account: "b", name: "g"}, record{seq: 9, function: at(9)}) // the watcher catches up with everything
		if _, ok := v.get("b", "g"); !ok || len(v.accounts["b"].functions) != 1 {
			t.Errorf("%s: another account's function is missing", test.name)
		}
	}
}

// Marks of deletions are kept only until the watcher has seen them.
func TestViewForgetsDeletions(t *testing.T) {
	t.Parallel()
	v := newView()
	key := recordKey{account: "a", name: "f"}
	v.wrote(key, record{seq: 1, function: &Function{Seq: 1}})
	v.wrote(key, record{seq: 2})
	v.watch(key, record{seq: 1, function: &Function{Seq: 1}})
	v.watch(key, record{seq: 2})
	v.wrote(key, record{seq: 2})
	if len(v.deleted) != 0 || len(v.accounts) != 0 {
		t.Errorf("left over: %v, %v", v.deleted, v.accounts)
	}
}
