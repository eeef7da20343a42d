package main

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// Time from UMBRA_SHUTDOWN_MS to the forced end of a worker.
const graceAfterShutdownMs = 5000

// checkPods applies the evaluator of the restricted pod security standard, and the rules that it lacks.
func checkPods(report *Report, rendered *Rendered) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		report.Fail(rendered.where, "%v", err)
		return
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, workload := range rendered.workloads {
		where := rendered.where + " " + workload.kind + "/" + workload.name
		spec := &workload.template.Spec
		for _, result := range evaluator.EvaluatePod(restricted, &workload.template.ObjectMeta, spec) {
			if !result.Allowed {
				report.Fail(where, "pod security: %s (%s)", result.ForbiddenReason, result.ForbiddenDetail)
			}
		}
		if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
			report.Fail(where, "expected automountServiceAccountToken: false")
		}
		if spec.PriorityClassName == "" {
			report.Fail(where, "expected a priorityClassName")
		}
		for _, container := range spec.InitContainers {
			checkContainer(report, where, container)
		}
		for _, container := range spec.Containers {
			checkContainer(report, where, container)
			if container.LivenessProbe == nil {
				report.Fail(where, "expected %s to have a livenessProbe", container.Name)
			}
			checkGrace(report, where, container, spec.TerminationGracePeriodSeconds)
		}
	}
}

func checkContainer(report *Report, where string, container corev1.Container) {
	fail := func(format string, args ...any) {
		report.Fail(where+" "+container.Name, format, args...)
	}
	security := container.SecurityContext
	if security == nil || security.ReadOnlyRootFilesystem == nil || !*security.ReadOnlyRootFilesystem {
		fail("expected readOnlyRootFilesystem: true")
	}
	if !isPinned(container.Image) {
		fail("expected image '%s' to have a tag of its own", container.Image)
	}
	requests, limits := container.Resources.Requests, container.Resources.Limits
	if requests.Cpu().IsZero() || requests.Memory().IsZero() || limits.Memory().IsZero() {
		fail("expected requests of cpu and memory, and a limit of memory")
	}
}

// isPinned returns whether an image has a digest, or a tag other than latest.
func isPinned(image string) bool {
	if strings.Contains(image, "@sha256:") {
		return true
	}
	_, tag, found := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	return found && tag != "" && tag != "latest"
}

func checkGrace(report *Report, where string, container corev1.Container, grace *int64) {
	for _, variable := range container.Env {
		if variable.Name != "UMBRA_SHUTDOWN_MS" {
			continue
		}
		shutdown, err := strconv.ParseInt(variable.Value, 10, 64)
		if err != nil {
			report.Fail(where, "UMBRA_SHUTDOWN_MS: %v", err)
		} else if grace == nil || *grace*1000 <= shutdown+graceAfterShutdownMs {
			report.Fail(where, "expected terminationGracePeriodSeconds beyond %d ms", shutdown+graceAfterShutdownMs)
		}
	}
}
