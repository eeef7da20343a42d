package main

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Secrets that the operator creates; no manifest contains them.
var givenSecrets = map[string]bool{"umbra-storage": true, "umbra-self-hosted": true, "umbra-tls": true}

// checkReferences checks that every name and selector matches an existing object.
func checkReferences(report *Report, r *Rendered) {
	for _, workload := range r.workloads {
		checkWorkload(report, r, workload)
	}
	for target := range r.scaled {
		if !r.names[target] {
			report.Fail(r.where, "an autoscaler names %s, which is not there", target)
		}
	}
	for _, object := range r.objects {
		switch o := object.(type) {
		case *corev1.Service:
			pods := r.matching(labels.SelectorFromSet(o.Spec.Selector))
			for _, port := range o.Spec.Ports {
				checkPort(report, r.where+" Service/"+o.Name, pods, &port.TargetPort)
			}
		case *policyv1.PodDisruptionBudget:
			checkSelector(report, r, "PodDisruptionBudget/"+o.Name, o.Spec.Selector)
		case *networkingv1.NetworkPolicy:
			name := "NetworkPolicy/" + o.Name
			pods := checkSelector(report, r, name, &o.Spec.PodSelector)
			for _, rule := range o.Spec.Ingress {
				for _, port := range rule.Ports {
					checkPort(report, r.where+" "+name, pods, port.Port)
				}
			}
		case *networkingv1.Ingress:
			for _, rule := range o.Spec.Rules {
				for _, path := range rule.HTTP.Paths {
					if name := path.Backend.Service.Name; !r.names["Service/"+name] {
						report.Fail(r.where, "Ingress/%s names Service/%s, which is not there", o.Name, name)
					}
				}
			}
		}
	}
	if !r.names["NetworkPolicy/default-deny"] {
		report.Fail(r.where, "expected NetworkPolicy/default-deny")
	}
}

func checkWorkload(report *Report, r *Rendered, workload Workload) {
	where := r.where + " " + workload.kind + "/" + workload.name
	need := func(kind, name string) {
		if name != "" && !r.names[kind+"/"+name] {
			report.Fail(where, "names %s/%s, which is not there", kind, name)
		}
	}
	secret := func(name string) {
		if !givenSecrets[name] {
			report.Fail(where, "names secret %s, which docs/operations/deploy.md does not create", name)
		}
	}
	if !labels.SelectorFromSet(workload.selector).Matches(labels.Set(workload.template.Labels)) {
		report.Fail(where, "selects other pods than its own")
	}
	if workload.replicas != nil && r.scaled[workload.kind+"/"+workload.name] {
		report.Fail(where, "has replicas and an autoscaler, which conflict")
	}
	spec := workload.template.Spec
	need("ServiceAccount", spec.ServiceAccountName)
	need("PriorityClass", spec.PriorityClassName)
	for _, volume := range spec.Volumes {
		if volume.ConfigMap != nil {
			need("ConfigMap", volume.ConfigMap.Name)
		}
	}
	for _, container := range append(spec.InitContainers, spec.Containers...) {
		for _, from := range container.EnvFrom {
			if from.ConfigMapRef != nil {
				need("ConfigMap", from.ConfigMapRef.Name)
			}
			if from.SecretRef != nil {
				secret(from.SecretRef.Name)
			}
		}
		for _, variable := range container.Env {
			if variable.ValueFrom != nil && variable.ValueFrom.SecretKeyRef != nil {
				secret(variable.ValueFrom.SecretKeyRef.Name)
			}
		}
	}
}

func (r *Rendered) matching(selector labels.Selector) []Workload {
	var found []Workload
	for _, workload := range r.workloads {
		if selector.Matches(labels.Set(workload.template.Labels)) {
			found = append(found, workload)
		}
	}
	return found
}

func checkSelector(report *Report, r *Rendered, name string, selector *metav1.LabelSelector) []Workload {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		report.Fail(r.where, "%s: %v", name, err)
		return nil
	}
	pods := r.matching(parsed)
	if len(pods) == 0 {
		report.Fail(r.where, "%s selects no pods", name)
	}
	return pods
}

// checkPort expects at least one of the pods to have the port.
func checkPort(report *Report, where string, pods []Workload, port *intstr.IntOrString) {
	for _, pod := range pods {
		for _, container := range pod.template.Spec.Containers {
			for _, open := range container.Ports {
				if open.Name == port.StrVal || open.ContainerPort == port.IntVal {
					return
				}
			}
		}
	}
	report.Fail(where, "no pod has the port %s", port.String())
}
