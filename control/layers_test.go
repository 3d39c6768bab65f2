package control_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
)

const layerARN = "arn:aws:lambda:us-east-1:000000000000:layer:"

// addLayer stores a layer version whose content has that many bytes.
func (p *plane) addLayer(t *testing.T, name string, bytes int) lambda.Layer {
	t.Helper()
	code, err := p.packages.Put(t.Context(), fmt.Appendf(nil, "PK%d", bytes))
	if err != nil {
		t.Fatal(err)
	}
	p.layers[layerARN+name] = code
	return lambda.Layer{ARN: layerARN + name, Code: code}
}

func TestLayersOfAFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane()
		var mu sync.Mutex
		built := map[string]int{}
		p.packages.Build = func(_ context.Context, sha string) error {
			mu.Lock()
			defer mu.Unlock()
			built[sha]++
			return nil
		}
		p.open(t)
		a, b := p.addLayer(t, "a:1", 1), p.addLayer(t, "b:7", 2)
		in := input("f")
		in.Settings.Layers = []string{b.ARN, a.ARN}
		p.create(t, in)
		synctest.Wait()
		f := p.get(t, "f")
		if want := []lambda.Layer{b, a}; !reflect.DeepEqual(f.Serving.Layers, want) {
			t.Fatalf("serves layers %v, want %v", f.Serving.Layers, want)
		}
		if built[a.Code.SHA256] != 1 || built[b.Code.SHA256] != 1 {
			t.Errorf("images built: %v", built)
		}

		update := func(s control.Settings) *lambda.Config {
			t.Helper()
			if _, err := p.UpdateConfig(t.Context(), control.UpdateConfigInput{Account: account, Name: "f", Settings: s}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			f := p.get(t, "f")
			return f.Serving
		}
		delete(p.layers, a.ARN) // the version was deleted
		if c := update(control.Settings{Timeout: ptr(5)}); len(c.Layers) != 2 {
			t.Errorf("an update of something else left %v", c.Layers)
		}
		if _, err := p.PublishVersion(t.Context(), control.PublishInput{Account: account, Name: "f"}); err != nil {
			t.Fatal(err)
		}
		if c := update(control.Settings{Layers: []string{}}); c.Layers != nil {
			t.Errorf("cleared layers are %v", c.Layers)
		}
		v, err := p.PublishVersion(t.Context(), control.PublishInput{Account: account, Name: "f"})
		if err != nil || v.Version != "2" || len(v.Layers) != 0 {
			t.Errorf("without its layers the function was published as %+v (%v)", v, err)
		}
		if old, err := p.Get(account, "f", "1"); err != nil || len(old.Config.Layers) != 2 {
			t.Errorf("version 1 has %v (%v)", old.Config.Layers, err)
		}
	})
}

func TestLayersThatAreRefused(t *testing.T) {
	p := newPlane().open(t)
	a, again := p.addLayer(t, "a:1", 10), p.addLayer(t, "a:2", 11)
	half := p.addLayer(t, "half:1", lambda.MaxUnzippedBytes/2)
	half2 := p.addLayer(t, "half2:1", lambda.MaxUnzippedBytes/2-100)
	tooMany := []string{}
	for i := range lambda.MaxLayers + 1 {
		tooMany = append(tooMany, p.addLayer(t, fmt.Sprintf("l%d:1", i), 100+i).ARN)
	}
	create := func(zip string, layers ...string) error {
		in := input("f")
		in.Zip, in.Settings.Layers = []byte(zip), layers
		_, err := p.Create(t.Context(), in)
		return err
	}
	for _, test := range []struct {
		layers []string
		text   string
	}{
		{tooMany, "Cannot reference more than 5 layers."},
		{[]string{layerARN + "none:1"}, "Layer version " + layerARN + "none:1 does not exist."},
		{[]string{a.ARN, again.ARN}, "Two different versions of the same layer are not allowed to be referenced in the same function. " +
			a.ARN + " and " + again.ARN + " are versions of the same layer."},
		{[]string{half.ARN, half2.ARN}, "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual size is 262144001 bytes."},
	} {
		wantError(t, create("PK101", test.layers...), lambda.KindInvalid, test.text)
	}
	if err := create("PK100", half.ARN, half2.ARN); err != nil { // exactly the limit
		t.Fatal(err)
	}
	waitActive(t, p, "f")
	const text = "Function code combined with layers exceeds the maximum"
	_, err := p.UpdateCode(t.Context(), control.UpdateCodeInput{Account: account, Name: "f", Zip: []byte("PK101"), DryRun: true})
	wantError(t, err, lambda.KindInvalid, text)
	_, err = p.UpdateCode(t.Context(), control.UpdateCodeInput{Account: account, Name: "f", Zip: []byte("PK101")})
	wantError(t, err, lambda.KindInvalid, text)
	_, err = p.UpdateConfig(t.Context(), control.UpdateConfigInput{Account: account, Name: "f",
		Settings: control.Settings{Layers: []string{half.ARN, half2.ARN, a.ARN}}})
	wantError(t, err, lambda.KindInvalid, text)
}

// A function is only settled with the layers that were prepared.
func TestLayersThatChangeDuringPreparation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane()
		p.packages.Build = func(_ context.Context, sha string) error {
			if sha == p.layers[layerARN+"bad:1"].SHA256 {
				return &lambda.Error{Kind: lambda.KindInvalid, Msg: "no usable layer", Err: errors.New("broken")}
			}
			return nil
		}
		p.open(t)
		bad := p.addLayer(t, "bad:1", 1)
		p.create(t, input("f"))
		synctest.Wait()
		if _, err := p.UpdateConfig(t.Context(), control.UpdateConfigInput{Account: account, Name: "f", Settings: control.Settings{Layers: []string{bad.ARN}}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		f := p.get(t, "f")
		wantState(t, &f.Config, "Active//Failed/InvalidZipFileException")
		if f.Serving.Layers != nil {
			t.Errorf("serves %v", f.Serving.Layers)
		}
	})
}

func TestUsageCountsLayers(t *testing.T) {
	p := newPlane().open(t)
	l := p.addLayer(t, "a:1", 10)
	p.create(t, input("f"))
	if u := p.Usage(account); u.CodeBytes != l.Code.Size+int64(len("PK one")) {
		t.Errorf("usage is %+v", u)
	}
	p.layers[layerARN+"huge:1"] = lambda.Code{Size: lambda.MaxCodeStorageBytes}
	_, err := p.Create(t.Context(), input("g"))
	wantError(t, err, lambda.KindCodeStorage, "Code storage limit exceeded.")
}
