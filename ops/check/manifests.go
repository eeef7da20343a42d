package main

import (
	"fmt"
	"path/filepath"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Workload is an object that makes pods.
type Workload struct {
	kind, name string
	replicas   *int32
	selector   map[string]string
	template   corev1.PodTemplateSpec
}

// Rendered is an overlay's output, decoded.
type Rendered struct {
	where     string
	workloads []Workload
	objects   []runtime.Object
	// Kind and name of every object.
	names map[string]bool
	// Objects whose replicas an autoscaler sets.
	scaled map[string]bool
}

// checkOverlay renders an overlay as kubectl does and decodes it as the API server does in strict mode:
// a field that is unknown, or given twice, is an error.
func checkOverlay(report *Report, folder string, scaledObjects *CRD) {
	where := "k8s/overlays/" + filepath.Base(folder)
	out, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		report.Fail(where, "%v", err)
		return
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, autoscalingv2.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme,
		policyv1.AddToScheme, schedulingv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			report.Fail(where, "%v", err)
			return
		}
	}
	options := json.SerializerOptions{Yaml: true, Strict: true}
	decoder := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, options)
	rendered := &Rendered{where: where, names: map[string]bool{}, scaled: map[string]bool{}}
	for _, resource := range out.Resources() {
		name := resource.GetKind() + "/" + resource.GetName()
		rendered.names[name] = true
		report.checked++
		text, err := resource.AsYAML()
		if err != nil {
			report.Fail(where, "%s: %v", name, err)
			continue
		}
		if resource.GetKind() == "ScaledObject" {
			target, err := scaledObjects.Check(text)
			if err != nil {
				report.Fail(where, "%s: %v", name, err)
			}
			rendered.scaled[target] = true
			continue
		}
		object, _, err := decoder.Decode(text, nil, nil)
		if err != nil {
			report.Fail(where, "%s: %v", name, err)
			continue
		}
		rendered.add(object)
	}
	checkPods(report, rendered)
	checkReferences(report, rendered)
	collectEnvironments(report, rendered)
}

func (r *Rendered) add(object runtime.Object) {
	r.objects = append(r.objects, object)
	switch o := object.(type) {
	case *appsv1.Deployment:
		r.workloads = append(r.workloads, Workload{
			"Deployment", o.Name, o.Spec.Replicas, o.Spec.Selector.MatchLabels, o.Spec.Template,
		})
	case *appsv1.StatefulSet:
		r.workloads = append(r.workloads, Workload{
			"StatefulSet", o.Name, o.Spec.Replicas, o.Spec.Selector.MatchLabels, o.Spec.Template,
		})
	case *autoscalingv2.HorizontalPodAutoscaler:
		target := o.Spec.ScaleTargetRef
		r.scaled[fmt.Sprintf("%s/%s", target.Kind, target.Name)] = true
	}
}
