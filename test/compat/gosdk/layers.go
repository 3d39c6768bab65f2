package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const layerARN = "arn:aws:lambda:us-east-1:000000000000:layer:words"

var words = aws.String("words")

func (t *tour) layers() error {
	zip, err := os.ReadFile("layer.zip")
	if err != nil {
		return err
	}
	for _, number := range []string{"1", "2"} {
		out, err := t.aws.PublishLayerVersion(t.ctx, &lambda.PublishLayerVersionInput{
			LayerName: words, Content: &types.LayerVersionContentInput{ZipFile: zip}, CompatibleRuntimes: []types.Runtime{types.Runtime(os.Getenv("TOUR_RUNTIME"))},
		})
		if err != nil {
			return err
		}
		if err := same("ARN", aws.ToString(out.LayerVersionArn), layerARN+":"+number); err != nil {
			return err
		}
	}
	return errors.Join(
		t.readLayer(zip),
		t.listLayers(),
		t.layerPolicy(),
		t.useLayer(),
	)
}

func (t *tour) getLayer() (*lambda.GetLayerVersionOutput, error) {
	return t.aws.GetLayerVersion(t.ctx, &lambda.GetLayerVersionInput{LayerName: words, VersionNumber: aws.Int64(1)})
}

func (t *tour) readLayer(zip []byte) error {
	out, err := t.getLayer()
	if err != nil {
		return err
	}
	resp, err := http.Get(*out.Content.Location)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	byARN, err := t.aws.GetLayerVersionByArn(t.ctx, &lambda.GetLayerVersionByArnInput{Arn: aws.String(layerARN + ":2")})
	if err != nil {
		return err
	}
	return errors.Join(
		same("the package is layer.zip", bytes.Equal(content, zip), true),
		same("version", []int64{out.Version, byARN.Version}, []int64{1, 2}),
		same("runtimes", out.CompatibleRuntimes, []types.Runtime{types.Runtime(os.Getenv("TOUR_RUNTIME"))}),
	)
}

func (t *tour) listLayers() error {
	layers, err := t.aws.ListLayers(t.ctx, nil)
	if err != nil {
		return err
	}
	versions, err := t.aws.ListLayerVersions(t.ctx, &lambda.ListLayerVersionsInput{LayerName: words})
	if err != nil {
		return err
	}
	if len(layers.Layers) != 1 || len(versions.LayerVersions) != 2 {
		return errors.New("not one layer of two versions")
	}
	return errors.Join(
		same("the layer", aws.ToString(layers.Layers[0].LayerName), "words"),
		same("its latest version", layers.Layers[0].LatestMatchingVersion.Version, int64(2)),
		same("versions", []int64{versions.LayerVersions[0].Version, versions.LayerVersions[1].Version}, []int64{2, 1}),
	)
}

func (t *tour) layerPolicy() error {
	get := func() (*lambda.GetLayerVersionPolicyOutput, error) {
		return t.aws.GetLayerVersionPolicy(t.ctx, &lambda.GetLayerVersionPolicyInput{LayerName: words, VersionNumber: aws.Int64(1)})
	}
	none := func() error {
		return refused[*types.ResourceNotFoundException](t, func() error {
			_, err := get()
			return err
		})
	}
	if err := none(); err != nil {
		return err
	}
	added, err := t.aws.AddLayerVersionPermission(t.ctx, &lambda.AddLayerVersionPermissionInput{
		LayerName: words, VersionNumber: aws.Int64(1), StatementId: aws.String("all"), Action: aws.String("lambda:GetLayerVersion"), Principal: aws.String("*"),
	})
	if err != nil {
		return err
	}
	policy, err := get()
	if err != nil {
		return err
	}
	shown, err := statements(policy.Policy)
	if err != nil {
		return err
	}
	_, err = t.aws.RemoveLayerVersionPermission(t.ctx, &lambda.RemoveLayerVersionPermissionInput{
		LayerName: words, VersionNumber: aws.Int64(1), StatementId: aws.String("all"), RevisionId: policy.RevisionId,
	})
	return errors.Join(
		err,
		same("statements", len(shown), 1),
		same("revision", aws.ToString(policy.RevisionId), aws.ToString(added.RevisionId)),
		none(),
	)
}

// setLayers gives the function these layers and no others.
func (t *tour) setLayers(arns ...string) error {
	_, err := t.aws.UpdateFunctionConfiguration(t.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: name, Layers: append([]string{}, arns...)})
	return errors.Join(err, t.updated())
}

func (t *tour) useLayer() error {
	if err := t.setLayers(layerARN + ":1"); err != nil {
		return err
	}
	out, err := t.aws.Invoke(t.ctx, &lambda.InvokeInput{FunctionName: name, Payload: []byte(`{"import":"word"}`)})
	if err != nil {
		return err
	}
	for _, number := range []int64{1, 2} {
		if _, err := t.aws.DeleteLayerVersion(t.ctx, &lambda.DeleteLayerVersionInput{LayerName: words, VersionNumber: &number}); err != nil {
			return err
		}
	}
	return errors.Join(
		same("the word", string(out.Payload), `"ice"`),
		refused[*types.ResourceNotFoundException](t, func() error {
			_, err := t.getLayer()
			return err
		}),
		t.setLayers(),
	)
}
