package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/s3versions"
	"example.com/s3-endpoint-guard/local/localaws/s3model"
)

// measurement is the result of a scenario.
type measurement struct {
	// Deleted and Seconds are the contender's own figures, Error is its error.
	Deleted int64
	Seconds float64
	Error   string

	stats s3model.Stats
	cpu   float64 // seconds of the contender's process, user and system
	rss   float64 // maximum, in MiB
}

func (m measurement) rate() float64 { return float64(m.stats.Deleted) / m.Seconds }

// measure runs one scenario, in two processes of this program.
func measure(s scenario) (m measurement, err error) {
	server := exec.Command(os.Args[0], "serve", "-shape", s.shape, "-versions", fmt.Sprint(s.versions),
		"-prefixes", fmt.Sprint(s.prefixes), "-limit", fmt.Sprint(s.limit))
	server.Stderr = os.Stderr
	output, err := server.StdoutPipe()
	if err != nil {
		return m, err
	}
	if err := server.Start(); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, server.Process.Kill()); _ = server.Wait() }() // a killed process has no result
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		return m, fmt.Errorf("starting the model: %w", err)
	}
	url := strings.TrimSpace(line)
	run := exec.Command(os.Args[0], "run", "-contender", s.contender, "-url", url)
	run.Stderr = os.Stderr
	said, err := run.Output()
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(said, &m); err != nil {
		return m, err
	}
	usage := run.ProcessState.SysUsage().(*syscall.Rusage)
	m.cpu = (run.ProcessState.UserTime() + run.ProcessState.SystemTime()).Seconds()
	m.rss = float64(usage.Maxrss) / 1024
	m.stats, err = ask(url)
	return m, err
}

// ask returns the model's statistics.
func ask(url string) (stats s3model.Stats, err error) {
	response, err := http.Get(url + s3model.StatsPath)
	if err != nil {
		return stats, err
	}
	defer response.Body.Close()
	return stats, json.NewDecoder(response.Body).Decode(&stats)
}

// serve runs in the model's process. It prints its URL and serves until it is killed.
func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	name := flags.String("shape", "hashes", "hashes, logs or counters")
	versions := flags.Int("versions", 1000, "versions in the bucket")
	prefixes := flags.Int("prefixes", 1, "folders of counters")
	limit := flags.Float64("limit", 0, "keys deleted per second and prefix, 0 for no limit")
	if err := flags.Parse(args); err != nil {
		return err
	}
	shape, err := s3model.ShapeOf(*name, *prefixes)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	return http.Serve(listener, s3model.New(s3model.Options{Shape: shape, Versions: *versions, Latency: latency, Limit: *limit}))
}

// runContender runs in a contender's process. It prints its measurement as JSON.
func runContender(args []string) error {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	name := flags.String("contender", "ours", "who empties")
	url := flags.String("url", "", "where S3 is")
	if err := flags.Parse(args); err != nil {
		return err
	}
	client := s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: url, UsePathStyle: true, HTTPClient: s3versions.HTTPClient(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	began := time.Now()
	deleted, err := contenders[*name](context.Background(), client, "model")
	m := measurement{Deleted: deleted, Seconds: time.Since(began).Seconds()}
	if err != nil {
		m.Error = err.Error()
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}
