package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/santhosh-tekuri/jsonschema/v6"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// CRD validates objects of one kind against its project's released definition.
type CRD struct{ schema *jsonschema.Schema }

func loadCRD(path string) (*CRD, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var definition struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema map[string]any `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &definition); err != nil {
		return nil, err
	}
	if len(definition.Spec.Versions) != 1 {
		return nil, fmt.Errorf("expected one version, got %d", len(definition.Spec.Versions))
	}
	root := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
	makeStrict(root)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("crd.json", root); err != nil {
		return nil, err
	}
	schema, err := compiler.Compile("crd.json")
	return &CRD{schema}, err
}

// makeStrict makes every object refuse fields that it does not define, as strict validation does, and
// converts the extensions of Kubernetes to JSON Schema.
func makeStrict(node any) {
	switch value := node.(type) {
	case map[string]any:
		if value["x-kubernetes-int-or-string"] == true {
			delete(value, "type")
		}
		_, hasProperties := value["properties"].(map[string]any)
		_, hasMore := value["additionalProperties"]
		if hasProperties && !hasMore && value["x-kubernetes-preserve-unknown-fields"] != true {
			value["additionalProperties"] = false
		}
		for _, child := range value {
			makeStrict(child)
		}
	case []any:
		for _, child := range value {
			makeStrict(child)
		}
	}
}

// Check validates one object. It returns the kind and name of the object's scale target.
func (crd *CRD) Check(text []byte) (string, error) {
	asJSON, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return "", err
	}
	object, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		return "", err
	}
	if err := crd.schema.Validate(object); err != nil {
		return "", err
	}
	// The definition leaves metadata to the API server.
	var known struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Metadata   metav1.ObjectMeta `json:"metadata"`
		Spec       any               `json:"spec"`
	}
	if err := yaml.UnmarshalStrict(text, &known); err != nil {
		return "", err
	}
	target := known.Spec.(map[string]any)["scaleTargetRef"].(map[string]any)
	kind, isGiven := target["kind"].(string)
	if !isGiven {
		kind = "Deployment"
	}
	return fmt.Sprintf("%s/%s", kind, target["name"]), nil
}
