// Command bench-teardown measures the speed of emptying, compared with the algorithms of its peers, on one model of
// S3.
//
// Each measurement runs the model in one process and the contender in another, so that processor time and memory are
// those of the contender. Usage:
//
//	bench-teardown                       all scenarios, a table on standard output
//	bench-teardown -only REGEXP          the scenarios whose line matches
//	bench-teardown -installed            this project beside the installed originals, on a million versions; nothing without any
//	bench-teardown serve|run …           what the command starts itself with
//
// With CDK_LIB set to the folder of an installed aws-cdk-lib (npm install aws-cdk-lib @aws-sdk/client-s3), CDK's own
// handler runs too, on Node.js. With S5CMD set to the path of an s5cmd, that runs too. The first lines of the output
// give their versions.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"time"

	"example.com/s3-endpoint-guard/cmd/internal/installed"
)

func main() {
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func start(args []string) error {
	if len(args) > 0 && args[0] == "serve" {
		return serve(args[1:])
	}
	if len(args) > 0 && args[0] == "run" {
		return runContender(args[1:])
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("only", "", "regular expression on a scenario's line")
	besideInstalled := flags.Bool("installed", false, "only this project and the installed originals, with one scenario each for many and few versions")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	all := scenarios()
	if *besideInstalled {
		all = originalsOf(all)
	}
	chosen := slices.DeleteFunc(slices.Clone(all), func(s scenario) bool { return !wanted.MatchString(s.String()) })
	if len(chosen) == 0 && len(all) > 0 {
		return fmt.Errorf("no scenario matches %s", wanted)
	}
	return measureAll(chosen)
}

// scenario is one measurement.
type scenario struct {
	contender string
	shape     string
	versions  int
	prefixes  int
	limit     float64
}

// String returns the scenario's line in the table.
func (s scenario) String() string {
	limit := "no limit"
	if s.limit > 0 {
		limit = fmt.Sprintf("%.0f/s each", s.limit)
	}
	return fmt.Sprintf("%-11s %-8s %8d versions %2d prefixes %s", s.contender, s.shape, s.versions, s.prefixes, limit)
}

// latency is the minimum time of each request.
const latency = 30 * time.Millisecond

// scenarios returns the scenarios for which the project publishes figures.
func scenarios() (all []scenario) {
	contenders := []string{"cdk", "s5cmd", "ours"}
	for _, o := range originals {
		if o.Named() != "" {
			contenders = append(contenders, o.Name)
		}
	}
	for _, shape := range []string{"hashes", "logs", "counters"} {
		for _, who := range contenders {
			all = append(all, scenario{who, shape, 1_000_000, 1, 0})
		}
	}
	for _, who := range contenders {
		all = append(all, scenario{who, "counters", 100_000, 10, 0})
	}
	for _, prefixes := range []int{16, 10, 4, 1} {
		all = append(all, scenario{"ours", "counters", 1_000_000, prefixes, 3500})
	}
	for _, who := range []string{"cdk", "s5cmd", "terraform"} {
		all = append(all, scenario{who, "counters", 200_000, 10, 3500})
	}
	return append(all, scenario{"ours", "hashes", 10_000_000, 1, 0}, scenario{"ours", "logs", 10_000_000, 1, 0})
}

// originalsOf returns the scenarios of the installed originals and of this project, with a million hashes and with 100,000 versions in
// folders; none if no original is installed.
func originalsOf(all []scenario) (some []scenario) {
	own := func(s scenario) bool {
		return slices.ContainsFunc(originals, func(o installed.Program) bool { return o.Name == s.contender })
	}
	if !slices.ContainsFunc(all, own) {
		return nil
	}
	for _, s := range all {
		size := s.shape == "hashes" && s.versions == 1_000_000 || s.versions == 100_000
		if size && s.limit == 0 && (own(s) || s.contender == "ours") {
			some = append(some, s)
		}
	}
	return some
}

func measureAll(chosen []scenario) error {
	for _, o := range originals {
		line, err := o.Line()
		if err != nil {
			return err
		}
		fmt.Println(line)
	}
	if len(chosen) == 0 {
		return nil
	}
	fmt.Println("scenario | versions/s | seconds | CPU s per million | RSS MiB | lists | batches | refused | left")
	for _, s := range chosen {
		m, err := measure(s)
		if err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		fmt.Printf("%s | %.0f | %.2f | %.2f | %.0f | %d | %d | %d (%.1f %%) | %d %s\n", s, m.rate(), m.Seconds, m.cpu*1e6/float64(s.versions),
			m.rss, m.stats.Lists, m.stats.Batches, m.stats.Refused, 100*float64(m.stats.Refused)/float64(max(m.stats.Batches, 1)), m.stats.Left, m.Error)
	}
	return nil
}
