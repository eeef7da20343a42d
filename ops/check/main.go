// Command ops-check checks manifests, the compose file and the Dockerfile offline, against the rules of the systems
// that read them and of this repository.
//
//	ops-check -root DIR -keda-crd FILE [-environments FILE]
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

// Report collects all problems, so that one run shows every one.
type Report struct {
	problems     []string
	checked      int
	environments []Environment
}

func (r *Report) Fail(where, format string, args ...any) {
	r.problems = append(r.problems, where+": "+fmt.Sprintf(format, args...))
}

func main() {
	root := flag.String("root", ".", "root of the repository")
	crd := flag.String("keda-crd", "", "KEDA's ScaledObject definition")
	environments := flag.String("environments", "", "file for the variables of the containers, as JSON")
	flag.Parse()
	report := &Report{}
	overlays, err := filepath.Glob(filepath.Join(*root, "k8s/overlays/*"))
	if err != nil || len(overlays) == 0 {
		report.Fail("k8s/overlays", "expected overlays, got none")
	}
	scaledObjects, err := loadCRD(*crd)
	if err != nil {
		report.Fail(*crd, "%v", err)
	} else {
		for _, overlay := range overlays {
			checkOverlay(report, overlay, scaledObjects)
		}
	}
	targets := checkDockerfile(report, *root, "Dockerfile")
	checkCompose(report, *root, targets)
	if *environments != "" {
		if err := writeEnvironments(*environments, report.environments); err != nil {
			report.Fail(*environments, "%v", err)
		}
	}
	sort.Strings(report.problems)
	for _, problem := range report.problems {
		fmt.Fprintln(os.Stderr, problem)
	}
	fmt.Printf("%d objects checked, %d problems\n", report.checked, len(report.problems))
	if len(report.problems) > 0 {
		os.Exit(1)
	}
}
