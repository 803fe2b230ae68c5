// Command cri asks a container runtime over the Container Runtime Interface, as a kubelet does: it pulls an image, makes
// a sandbox, and creates and starts a container in it. It prints what the runtime answered and ends with 1 on an error.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// step is one pod to run: read as JSON from the second argument.
type step struct {
	Do      string   `json:"do"` // pull, run, remove or status
	Image   string   `json:"image"`
	Name    string   `json:"name"`
	Command []string `json:"command"`
	Memory  int64    `json:"memory"`
	Mounts  []string `json:"mounts"` // host paths, mounted at /mnt/<index>
	Seconds int      `json:"seconds"`
	Host    bool     `json:"host"` // in the network of the host
}

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func run(socket, text string) error {
	var wanted step
	if err := json.Unmarshal([]byte(text), &wanted); err != nil {
		return err
	}
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	images, runtime := cri.NewImageServiceClient(connection), cri.NewRuntimeServiceClient(connection)
	switch wanted.Do {
	case "status":
		answer, err := runtime.Status(ctx, &cri.StatusRequest{})
		fmt.Println(answer.GetStatus())
		return err
	case "pull":
		answer, err := images.PullImage(ctx, &cri.PullImageRequest{Image: &cri.ImageSpec{Image: wanted.Image}})
		fmt.Println(answer.GetImageRef())
		return err
	case "remove":
		_, err := images.RemoveImage(ctx, &cri.RemoveImageRequest{Image: &cri.ImageSpec{Image: wanted.Image}})
		return err
	default:
		return pod(ctx, runtime, wanted)
	}
}

func pod(ctx context.Context, runtime cri.RuntimeServiceClient, wanted step) error {
	namespaces := &cri.NamespaceOption{Network: cri.NamespaceMode_POD, Pid: cri.NamespaceMode_CONTAINER}
	if wanted.Host {
		namespaces.Network = cri.NamespaceMode_NODE
	}
	config := &cri.PodSandboxConfig{
		Metadata:     &cri.PodSandboxMetadata{Name: wanted.Name, Uid: fmt.Sprintf("%x", time.Now().UnixNano()), Namespace: "shop"},
		LogDirectory: "/var/log/pods/" + wanted.Name,
		Linux:        &cri.LinuxPodSandboxConfig{SecurityContext: &cri.LinuxSandboxSecurityContext{NamespaceOptions: namespaces}},
	}
	if !wanted.Host {
		config.Hostname = wanted.Name
	}
	sandbox, err := runtime.RunPodSandbox(ctx, &cri.RunPodSandboxRequest{Config: config})
	if err != nil {
		return err
	}
	defer func() {
		last, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		_, _ = runtime.StopPodSandbox(last, &cri.StopPodSandboxRequest{PodSandboxId: sandbox.PodSandboxId})
		_, _ = runtime.RemovePodSandbox(last, &cri.RemovePodSandboxRequest{PodSandboxId: sandbox.PodSandboxId})
	}()
	container := &cri.ContainerConfig{
		Metadata: &cri.ContainerMetadata{Name: "main"},
		Image:    &cri.ImageSpec{Image: wanted.Image},
		Command:  wanted.Command,
		LogPath:  "main.log",
		Linux: &cri.LinuxContainerConfig{
			Resources:       &cri.LinuxContainerResources{MemoryLimitInBytes: wanted.Memory},
			SecurityContext: &cri.LinuxContainerSecurityContext{NamespaceOptions: namespaces},
		},
	}
	for index, path := range wanted.Mounts {
		container.Mounts = append(container.Mounts, &cri.Mount{HostPath: path, ContainerPath: fmt.Sprintf("/mnt/%d", index)})
	}
	created, err := runtime.CreateContainer(ctx, &cri.CreateContainerRequest{PodSandboxId: sandbox.PodSandboxId, Config: container, SandboxConfig: config})
	if err != nil {
		return err
	}
	if _, err := runtime.StartContainer(ctx, &cri.StartContainerRequest{ContainerId: created.ContainerId}); err != nil {
		return err
	}
	time.Sleep(time.Duration(wanted.Seconds) * time.Second)
	status, err := runtime.ContainerStatus(ctx, &cri.ContainerStatusRequest{ContainerId: created.ContainerId})
	fmt.Println(status.GetStatus().GetState(), status.GetStatus().GetReason(), status.GetStatus().GetExitCode())
	return err
}
