package layer

import (
	"slices"

	"thaw.dev/thaw/lambda"
)

// Caller is who asks.
type Caller struct {
	Account string // 12 digits
	ARN     string // for refusals
}

// Get returns a version of a layer, also of another account's if the caller may use it. Errors: lambda.KindNotFound,
// KindInvalid for a number below 1, KindDenied for a version of another account that does not permit it, whether it exists
// or not.
func (l *Layers) Get(caller Caller, ref lambda.LayerRef) (*Version, error) {
	if ref.Version < 1 {
		return nil, lambda.Errorf(lambda.KindInvalid, "Layer Version Cannot be less than 1.")
	}
	v, err := l.usable(caller, ref)
	if err == nil && v == nil {
		return nil, notThere()
	}
	return v, err
}

func notThere() error {
	return lambda.Errorf(lambda.KindNotFound, "The resource you requested does not exist.")
}

// usable is Get that returns nil for a version of the caller's own account that does not exist.
func (l *Layers) usable(caller Caller, ref lambda.LayerRef) (*Version, error) {
	item, ok := l.versions.Get(ref.Account, versionID(ref.Name, ref.Version))
	ok = ok && ref.Region == l.region
	switch {
	case ref.Account == caller.Account && !ok:
		return nil, nil
	case ref.Account != caller.Account && !(ok && item.Value.permits(caller.Account)):
		return nil, denied(caller, ref)
	}
	return &item.Value, nil
}

func denied(caller Caller, ref lambda.LayerRef) error {
	return lambda.Errorf(lambda.KindDenied, "User: %s is not authorized to perform: lambda:GetLayerVersion on resource: %s "+
		"because no resource-based policy allows the lambda:GetLayerVersion action", caller.ARN, ref.ARN())
}

// Resolve returns the layer versions of these ARNs, for a function of the account that caller, an ARN too, makes or
// changes. Errors: lambda.KindInvalid for what does not exist or is of another region, KindDenied for what the account
// may not use. Source of the texts: answers of AWS Lambda.
func (l *Layers) Resolve(account, caller string, arns []string) ([]lambda.Layer, error) {
	list := make([]lambda.Layer, 0, len(arns))
	for _, arn := range arns {
		ref, ok := lambda.ParseLayerARN(arn)
		if !ok || ref.Version == 0 {
			return nil, lambda.Errorf(lambda.KindInvalid, "Invalid layer version ARN: %.256s", arn)
		}
		if ref.Region != l.region {
			return nil, lambda.Errorf(lambda.KindInvalid, "Layers are not in the same region as the function. Layers are expected to be in region %s.", l.region)
		}
		v, err := l.usable(Caller{account, caller}, ref)
		if err != nil {
			return nil, err
		}
		if v == nil {
			return nil, lambda.Errorf(lambda.KindInvalid, "Layer version %s does not exist.", arn)
		}
		list = append(list, lambda.Layer{ARN: ref.ARN(), Code: v.Code})
	}
	return list, nil
}

// Packages are the digests of all versions of all accounts.
func (l *Layers) Packages() []string {
	var list []string
	for _, v := range l.versions.All() {
		list = append(list, v.Value.Code.SHA256)
	}
	return list
}

// List returns up to limit of the account's layers that have a version which the filter chooses, by name, beginning behind
// the layer after ("": from the start): of each the latest such version. more says whether others follow.
func (l *Layers) List(account string, filter Filter, after string, limit int) (page []*Version, more bool) {
	for _, h := range l.heads.List(account) {
		if h.ID <= after {
			continue
		}
		latest, _ := l.newest(account, h.ID, h.Value.Live, filter, 1)
		if len(latest) == 0 {
			continue
		}
		if len(page) == limit {
			return page, true
		}
		page = append(page, latest[0])
	}
	return page, false
}

// Versions returns up to limit of a layer's versions that the filter chooses, the newest first, beginning with those older
// than the number below (0: from the newest). A layer without versions, or that never was, has none.
func (l *Layers) Versions(account, name string, filter Filter, below, limit int) (page []*Version, more bool) {
	h, _ := l.heads.Get(account, name)
	live := h.Value.Live
	if below != 0 {
		end, _ := slices.BinarySearch(live, below)
		live = live[:end]
	}
	return l.newest(account, name, live, filter, limit)
}

// newest returns the newest versions of these numbers that the filter chooses, at most limit, and whether others follow.
func (l *Layers) newest(account, name string, numbers []int, filter Filter, limit int) (page []*Version, more bool) {
	for _, n := range slices.Backward(numbers) {
		v, ok := l.versions.Get(account, versionID(name, n))
		if !ok || !filter.matches(&v.Value) {
			continue // one that is missing was deleted after numbers were read
		}
		if len(page) == limit {
			return page, true
		}
		page = append(page, &v.Value)
	}
	return page, false
}
