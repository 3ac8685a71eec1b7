package main

import (
	"bytes"
	"encoding/json"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// open makes a scene in which Cloud Custodian is a fake that does something; "" is none.
func open(t *testing.T, does string) (*scene, []named) {
	t.Helper()
	t.Setenv(custodianProgram.Variable, "")
	if does != "" {
		t.Setenv(custodianProgram.Variable, os.Args[0])
		t.Setenv(fakes, does)
	}
	s, err := newScene(localtest.Context(t, "the stack"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	all, err := s.contenders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s, all
}

// cells returns the cells of a table's rows by the first cell.
func cells(output string) map[string][]string {
	rows := map[string][]string{}
	for line := range strings.Lines(output) {
		row := strings.Split(strings.TrimSpace(line), " | ")
		rows[row[0]] = row[1:]
	}
	return rows
}

func TestContendersAreMeasuredAfterTheSameAttack(t *testing.T) {
	s, all := open(t, "restore the block")
	var output bytes.Buffer
	if err := s.measure(localtest.Context(t, "the measurement"), all, admitAccount, 1, &output); err != nil {
		t.Fatal(err)
	}
	rows := cells(output.String())
	for _, name := range []string{"Custodian, default", "Custodian, leanest"} {
		row := rows[name]
		if len(row) != 9 || row[0] != "2" || row[1] != "2" || row[2] != "123 (123 to 123)" || row[8] != "bucket-policy (open)" {
			t.Errorf("%s: %q, want 2 calls, one after the other, 123 ms, and an open policy:\n%s", name, row, &output)
		}
	}
	row := rows["the guard"]
	if len(row) != 9 || row[8] != "nothing" {
		t.Errorf("the guard: %q, want nothing left:\n%s", row, &output)
	}
	if runtime.GOOS == "linux" && slices.Contains([]string{rows["Custodian, default"][7], row[7]}, "unknown here") {
		t.Errorf("the memory is not known:\n%s", &output)
	}
}

func TestWhatIsLeftIsComparedForEachAttack(t *testing.T) {
	s, all := open(t, "restore the block")
	var output bytes.Buffer
	some := []attack{openBucket, admitAccount}
	if err := s.compare(localtest.Context(t, "the comparison"), all[1:], some, &output); err != nil {
		t.Fatal(err)
	}
	rows := cells(output.String())
	for _, a := range some {
		if want := []string{"bucket-policy (open)", "bucket-policy (open)"}; !slices.Equal(rows[a.name], want) {
			t.Errorf("%s: %q is left, want %q:\n%s", a.name, rows[a.name], want, &output)
		}
	}
}

// TestEachAttackMakesDriftWithAnEvent fails if a contender would be measured without anything to correct.
func TestEachAttackMakesDriftWithAnEvent(t *testing.T) {
	s, _ := open(t, "")
	for _, a := range attacks {
		events, err := s.attack(t.Context(), a)
		if err != nil || len(events) != len(a.calls) {
			t.Errorf("%s: %d events and %v after %d calls", a.name, len(events), err, len(a.calls))
			continue
		}
		left, err := s.left(localtest.Context(t, "the guard's sweep"))
		if err != nil || len(left) != len(a.calls) {
			t.Errorf("%s: the guard finds %q, %v, want %d properties", a.name, left, err, len(a.calls))
		}
	}
}

func TestWithoutCustodianTheGuardIsMeasuredAlone(t *testing.T) {
	_, all := open(t, "")
	line, err := custodianProgram.Line()
	if len(all) != 1 || all[0].name != "the guard" || line != "Cloud Custodian: not run, C7N_PYTHON is not set" || err != nil {
		t.Errorf("%d contenders, %q, %v; want the guard, and why Custodian does not run", len(all), line, err)
	}
}

func TestTheVersionIsThatOfThePython(t *testing.T) {
	for does, want := range map[string]struct{ line, err string }{
		"restore the block": {line: "Cloud Custodian: Cloud Custodian of a test"},
		"cannot import":     {err: "No module named 'c7n'"},
	} {
		t.Setenv(custodianProgram.Variable, os.Args[0])
		t.Setenv(fakes, does)
		line, err := custodianProgram.Line()
		if line != want.line || (err != nil) != (want.err != "") || err != nil && !strings.Contains(err.Error(), want.err) {
			t.Errorf("%s: %q, %v, want %+v", does, line, err, want)
		}
	}
}

func TestAFailedRunOfAContenderEndsTheBenchmark(t *testing.T) {
	s, all := open(t, "fail")
	err := s.measure(localtest.Context(t, "the measurement"), all[1:2], admitAccount, 1, new(bytes.Buffer))
	for _, want := range []string{"Custodian, default", "a traceback", "a line of the log"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

func TestTheLeanPolicyReadsOnlyTheBucketPolicyFirst(t *testing.T) {
	s, _ := open(t, "")
	for lean, want := range map[bool]string{false: "", true: `[{"augment-keys":["Policy"]}]`} {
		text, err := custodianConfig(s, "/nowhere", "some", lean)
		if err != nil {
			t.Fatal(err)
		}
		var config struct {
			Policies []struct {
				Query   json.RawMessage
				Actions []struct {
					Type       string
					Statements []json.RawMessage
				}
			}
		}
		if err := json.Unmarshal(text, &config); err != nil {
			t.Fatal(err)
		}
		p := config.Policies[0]
		if string(p.Query) != want || len(p.Actions) != 2 || len(p.Actions[0].Statements) != 6 {
			t.Errorf("lean %t: query %s and actions %+v, want query %s, the lock's six statements, and the block", lean, p.Query, p.Actions, want)
		}
	}
}

func TestTheBenchRefusesMistakes(t *testing.T) {
	t.Setenv(custodianProgram.Variable, "")
	for _, args := range [][]string{{"extra"}, {"-runs", "0"}} {
		if err := start(t.Context(), args, new(bytes.Buffer)); err == nil {
			t.Errorf("bench-peers %q has no error", args)
		}
	}
}
