package policy

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// operators are the condition operators by their names in lower case, without prefix and suffix. Source: IAM user guide,
// "IAM JSON policy elements: Condition operators". Of those, BinaryEquals is missing: no key here has bytes.
var operators = func() map[string]operator {
	all := map[string]operator{
		"stringequals":             {texts: true, compare: func(v, got string) bool { return unquote(v) == got }},
		"stringequalsignorecase":   {texts: true, compare: func(v, got string) bool { return strings.EqualFold(unquote(v), got) }},
		"stringlike":               {texts: true, compare: match},
		"arnequals":                {texts: true, compare: matchARN},
		"arnlike":                  {texts: true, compare: matchARN},
		"bool":                     {check: checkBool, compare: strings.EqualFold},
		"ipaddress":                {check: checkPrefix, compare: inside},
		"numericequals":            numeric(func(v, got float64) bool { return got == v }),
		"numericlessthan":          numeric(func(v, got float64) bool { return got < v }),
		"numericlessthanequals":    numeric(func(v, got float64) bool { return got <= v }),
		"numericgreaterthan":       numeric(func(v, got float64) bool { return got > v }),
		"numericgreaterthanequals": numeric(func(v, got float64) bool { return got >= v }),
		"dateequals":               date(func(order int) bool { return order == 0 }),
		"datelessthan":             date(func(order int) bool { return order < 0 }),
		"datelessthanequals":       date(func(order int) bool { return order <= 0 }),
		"dategreaterthan":          date(func(order int) bool { return order > 0 }),
		"dategreaterthanequals":    date(func(order int) bool { return order >= 0 }),
	}
	for not, of := range map[string]string{
		"stringnotequals":           "stringequals",
		"stringnotequalsignorecase": "stringequalsignorecase",
		"stringnotlike":             "stringlike",
		"arnnotequals":              "arnequals",
		"arnnotlike":                "arnlike",
		"notipaddress":              "ipaddress",
		"numericnotequals":          "numericequals",
		"datenotequals":             "dateequals",
	} {
		o := all[of]
		o.not = true
		all[not] = o
	}
	return all
}()

// unquote returns an expanded text without the marks before literal characters.
func unquote(v string) string { return strings.ReplaceAll(v, string(literal), "") }

// matchARN compares ARNs part by part: a wildcard never reaches beyond a colon, but in the last part.
func matchARN(pattern, arn string) bool {
	p, a := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(p) != 6 || len(a) != 6 {
		return pattern == "*"
	}
	for i := range p {
		if !match(p[i], a[i]) {
			return false
		}
	}
	return true
}

func checkBool(v string) error {
	if !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false") {
		return fmt.Errorf("%q is neither true nor false", v)
	}
	return nil
}

func checkPrefix(v string) error {
	_, err := parsePrefix(v)
	return err
}

func parsePrefix(v string) (netip.Prefix, error) {
	if strings.Contains(v, "/") {
		p, err := netip.ParsePrefix(v)
		if err != nil {
			return p, fmt.Errorf("%q is no range of addresses", v)
		}
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(v)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no address and no range of addresses", v)
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

func inside(v, got string) bool {
	p, err := parsePrefix(v)
	a, err2 := netip.ParseAddr(got)
	return err == nil && err2 == nil && p.Contains(a.Unmap())
}

func number(v string) (float64, error) {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, fmt.Errorf("%q is no number", v)
	}
	return f, nil
}

func numeric(compare func(v, got float64) bool) operator {
	return operator{
		check: func(v string) error { _, err := number(v); return err },
		compare: func(v, got string) bool {
			a, err := number(v)
			b, err2 := number(got)
			return err == nil && err2 == nil && compare(a, b)
		},
	}
}

// instant reads a date as W3C's profile of ISO 8601 has it, or seconds since 1970.
func instant(v string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, v); err == nil {
			return t, nil
		}
	}
	if n, err := strconv.ParseInt(v, 10, 64); err == nil {
		return time.Unix(n, 0), nil
	}
	return time.Time{}, fmt.Errorf("%q is no date", v)
}

func date(holds func(order int) bool) operator {
	return operator{
		check: func(v string) error { _, err := instant(v); return err },
		compare: func(v, got string) bool {
			a, err := instant(v)
			b, err2 := instant(got)
			return err == nil && err2 == nil && holds(b.Compare(a))
		},
	}
}
