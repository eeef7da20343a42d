package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// checkDockerfile parses with BuildKit's own parser and lint rules. It returns the names of the stages.
func checkDockerfile(report *Report, root, name string) map[string]bool {
	stages := map[string]bool{}
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		report.Fail(name, "%v", err)
		return stages
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		report.Fail(name, "%v", err)
		return stages
	}
	lint := linter.New(&linter.Config{
		Warn: func(rule, _, _, message string, location []parser.Range) {
			report.Fail(name, "%s: %s (line %d)", rule, message, location[0].Start.Line)
		},
	})
	build, args, err := instructions.Parse(parsed.AST, lint)
	if err != nil {
		report.Fail(name, "%v", err)
		return stages
	}
	defaults := map[string]string{}
	for _, arg := range args {
		for _, pair := range arg.Args {
			if pair.Value != nil {
				defaults[pair.Key] = *pair.Value
			}
		}
	}
	used := map[string]bool{}
	settled := map[string]Final{}
	for _, stage := range build {
		report.checked++
		base := expand(stage.BaseName, defaults)
		if !stages[base] && !isPinned(base) {
			report.Fail(name, "expected base '%s' to have a tag of its own", base)
		}
		used[base] = true
		settled[stage.Name] = checkStage(report, root, name, stage, stages, used, settled[base])
		stages[stage.Name] = true
	}
	for stage, final := range settled {
		// A stage that others build on does not run by itself.
		if used[stage] {
			continue
		}
		if final.user == "" || final.user == "root" || strings.HasPrefix(final.user, "0") {
			report.Fail(name, "expected target %s to run as a user other than root", stage)
		}
		if !final.isHealthChecked {
			report.Fail(name, "expected target %s to have a HEALTHCHECK", stage)
		}
	}
	return stages
}

// Final has the last settings of a stage.
type Final struct {
	user            string
	isHealthChecked bool
}

func checkStage(
	report *Report, root, name string, stage instructions.Stage, known, used map[string]bool, final Final,
) Final {
	for _, command := range stage.Commands {
		switch c := command.(type) {
		case *instructions.UserCommand:
			final.user = c.User
		case *instructions.HealthCheckCommand:
			final.isHealthChecked = len(c.Health.Test) > 0 && c.Health.Test[0] != "NONE"
		case *instructions.CopyCommand:
			used[c.From] = true
			if c.From != "" {
				if !known[c.From] {
					report.Fail(name, "COPY --from=%s names no stage above it", c.From)
				}
				continue
			}
			for _, source := range c.SourcePaths {
				if found, _ := filepath.Glob(filepath.Join(root, source)); len(found) == 0 {
					report.Fail(name, "COPY %s: no such file", source)
				}
			}
		}
	}
	return final
}

var variable = regexp.MustCompile(`\$\{?(\w+)\}?`)

func expand(text string, values map[string]string) string {
	return variable.ReplaceAllStringFunc(text, func(found string) string {
		return values[variable.FindStringSubmatch(found)[1]]
	})
}
