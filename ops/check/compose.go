package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// checkCompose loads the file as `docker compose --profile '*' config` does, with a value for each
// secret, and checks its services.
func checkCompose(report *Report, root string, stages map[string]bool) {
	const name = "docker-compose.yml"
	options, err := cli.NewProjectOptions(
		[]string{filepath.Join(root, name)},
		cli.WithEnv([]string{"S3_ACCESS_KEY=access", "S3_SECRET_KEY=secret", "REDIS_PASSWORD=word"}),
		cli.WithProfiles([]string{"*"}),
		cli.WithResolvedPaths(true),
		cli.WithInterpolation(true),
	)
	if err != nil {
		report.Fail(name, "%v", err)
		return
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		report.Fail(name, "%v", err)
		return
	}
	for _, service := range project.Services {
		report.checked++
		where := name + " " + service.Name
		checkService(report, where, service, stages)
		variables := map[string]string{}
		for name, value := range service.Environment {
			if value != nil {
				variables[name] = *value
			}
		}
		report.addEnvironment(where, service.Image, variables)
	}
}

func checkService(report *Report, where string, service types.ServiceConfig, stages map[string]bool) {
	if !isPinned(service.Image) {
		report.Fail(where, "expected image '%s' to have a tag of its own", service.Image)
	}
	if service.Build != nil && !stages[service.Build.Target] {
		report.Fail(where, "the Dockerfile has no target '%s'", service.Build.Target)
	}
	for _, port := range service.Ports {
		if port.HostIP != "127.0.0.1" {
			report.Fail(where, "expected port %d to be published on loopback, got '%s'", port.Target, port.HostIP)
		}
	}
	for _, volume := range service.Volumes {
		if _, err := os.Stat(volume.Source); volume.Type == types.VolumeTypeBind && err != nil {
			report.Fail(where, "%v", err)
		}
	}
	checkComposeGrace(report, where, service)
	// Services that run once and end need none of the following.
	if service.Restart == "" {
		return
	}
	if !service.ReadOnly {
		report.Fail(where, "expected read_only: true")
	}
	if service.Deploy == nil || service.Deploy.Resources.Limits == nil {
		report.Fail(where, "expected a limit of memory")
	}
	if service.HealthCheck == nil && service.Build == nil {
		report.Fail(where, "expected a healthcheck")
	}
}

func checkComposeGrace(report *Report, where string, service types.ServiceConfig) {
	value := service.Environment["UMBRA_SHUTDOWN_MS"]
	if value == nil {
		return
	}
	shutdown, err := strconv.ParseInt(*value, 10, 64)
	if err != nil {
		report.Fail(where, "UMBRA_SHUTDOWN_MS: %v", err)
	} else if service.StopGracePeriod == nil ||
		time.Duration(*service.StopGracePeriod).Milliseconds() <= shutdown+graceAfterShutdownMs {
		report.Fail(where, "expected stop_grace_period beyond %d ms", shutdown+graceAfterShutdownMs)
	}
}
