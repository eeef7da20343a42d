package main

import (
	"encoding/json"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Environment has the variables of one of our containers, without secrets.
type Environment struct {
	Where     string            `json:"where"`
	Image     string            `json:"image"`
	Variables map[string]string `json:"variables"`
}

const ourImages = "umbra/"

func (r *Report) addEnvironment(where, image string, variables map[string]string) {
	if strings.HasPrefix(image, ourImages) {
		r.environments = append(r.environments, Environment{where, image, variables})
	}
}

// collectEnvironments joins the config maps and the values of every container.
func collectEnvironments(report *Report, r *Rendered) {
	maps := map[string]map[string]string{}
	for _, object := range r.objects {
		if configMap, ok := object.(*corev1.ConfigMap); ok {
			maps[configMap.Name] = configMap.Data
		}
	}
	for _, workload := range r.workloads {
		for _, container := range workload.template.Spec.Containers {
			variables := map[string]string{}
			for _, from := range container.EnvFrom {
				if from.ConfigMapRef == nil {
					continue
				}
				for name, value := range maps[from.ConfigMapRef.Name] {
					variables[name] = value
				}
			}
			for _, variable := range container.Env {
				if variable.ValueFrom == nil {
					variables[variable.Name] = variable.Value
				}
			}
			where := r.where + " " + workload.kind + "/" + workload.name
			report.addEnvironment(where, container.Image, variables)
		}
	}
}

func writeEnvironments(path string, environments []Environment) error {
	text, err := json.MarshalIndent(environments, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
