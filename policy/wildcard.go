package policy

// literal stands before a character of a pattern that means itself. No text of a policy contains it.
const literal = '\x00'

// match reports whether s has the form of pattern, in which * stands for any characters, also none, and ? for any one.
// It takes at most len(pattern) × len(s) steps: only the last * is ever tried again.
func match(pattern, s string) bool {
	p, i := 0, 0
	star, from := -1, 0 // where the last * stands, and where what follows it was tried last
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p+1 < len(pattern) && pattern[p] == literal && pattern[p+1] == s[i]:
			p, i = p+2, i+1
		case p < len(pattern) && pattern[p] == '?':
			p, i = p+1, i+1
			for i < len(s) && s[i]&0xC0 == 0x80 { // the rest of a character
				i++
			}
		case p < len(pattern) && pattern[p] != literal && pattern[p] == s[i]:
			p, i = p+1, i+1
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
