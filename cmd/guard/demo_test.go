package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// guardCommand runs guard with arguments and returns its standard output and exit code.
func guardCommand(t *testing.T, arguments ...string) (stdout string, code int) {
	t.Helper()
	root := rootCommand()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs(arguments)
	err := root.ExecuteContext(t.Context())
	if exit, ok := errors.AsType[*exitError](err); ok {
		t.Logf("guard %s: %v", strings.Join(arguments, " "), exit)
		return out.String(), exit.code
	}
	if err != nil {
		t.Fatalf("guard %s: %v", strings.Join(arguments, " "), err)
	}
	return out.String(), 0
}

func demoOf(t *testing.T, arguments ...string) (stdout string, code int) {
	return guardCommand(t, append([]string{"demo", "--template", "../../template.yaml"}, arguments...)...)
}

// TestTheDemoKeepsEveryPromise plays all scenes with each type of endpoint. TestTheDemoTellsTheSameAsJSON looks at the same playing of
// the first one.
func TestTheDemoKeepsEveryPromise(t *testing.T) {
	t.Parallel()
	t.Run("Interface", func(t *testing.T) {
		t.Parallel()
		p := played(t)
		if p.err != nil || len(p.broken) > 0 {
			t.Errorf("the demo: %v, promises not kept: %q\n%s", p.err, p.broken, p.text.String())
		}
		checkText(t, p.text.String())
	})
	t.Run("Gateway", func(t *testing.T) {
		t.Parallel()
		told, code := demoOf(t, "--parameter", "EndpointType=Gateway")
		if code != 0 {
			t.Errorf("guard demo: exit code = %d, want 0:\n%s", code, told)
		}
		checkText(t, told)
	})
}

// playing is a demo of all scenes, told as text and as JSON.
type playing struct {
	text, json bytes.Buffer
	broken     []string
	err        error
}

// played returns the demo with the parameters' defaults, which is played once.
func played(t *testing.T) *playing {
	t.Helper()
	playOnce.Do(func() {
		everything, err := chooseScenes(nil)
		if err != nil {
			theDemo.err = err
			return
		}
		ctx := context.WithoutCancel(t.Context()) // another test looks at it, too
		audience := &paced{tellers: []teller{newPlain(&theDemo.text), lines{json.NewEncoder(&theDemo.json)}}, ctx: ctx, pause: func(context.Context) {}}
		theDemo.broken, theDemo.err = play(ctx, stackFlags{template: "../../template.yaml"}, audience, everything,
			func(context.Context, numberedScene) error { return nil })
	})
	return &theDemo
}

var (
	playOnce sync.Once
	theDemo  playing
)

// checkText checks a demo's text for colours and long lines.
func checkText(t *testing.T, told string) {
	t.Helper()
	if strings.Contains(told, "\x1b[") {
		t.Error("guard demo writes colours to output that is not a terminal")
	}
	checkWidth(t, told)
}

// checkWidth checks that each line has at most 80 columns.
func checkWidth(t *testing.T, told string) {
	t.Helper()
	for line := range strings.Lines(told) {
		if width := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); width > 80 {
			t.Errorf("a line has %d columns, want at most 80: %s", width, line)
		}
	}
}

func TestEachSceneCanBePlayedAlone(t *testing.T) {
	t.Parallel()
	list, code := guardCommand(t, "demo", "--list")
	if code != 0 {
		t.Fatalf("guard demo --list: exit code = %d, want 0", code)
	}
	titles := regexp.MustCompile(`(?m)^ ?(\d+)  (.*)$`).FindAllStringSubmatch(list, -1)
	if len(titles) < 10 {
		t.Fatalf("guard demo --list prints %q, want all scenes", list)
	}
	for _, title := range titles {
		t.Run(title[1], func(t *testing.T) {
			t.Parallel()
			told, code := demoOf(t, "--scene", title[1])
			if code != 0 {
				t.Errorf("guard demo --scene %s: exit code = %d, want 0:\n%s", title[1], code, told)
			}
			if !strings.HasPrefix(told, "\n"+title[1]+". "+title[2]) || strings.Contains(told, "\n\n"+title[1]) {
				t.Errorf("guard demo --scene %s prints %q, want only the scene %q", title[1], told, title[2])
			}
		})
	}
}

func TestChosenScenesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	for how, title := range map[string]string{"--json=false": `(?m)^(\d+)\. `, "--json": `(?m)^{"number":(\d+),"scene":"`} {
		told, code := demoOf(t, "--scene", "11,8", "--scene=7", how)
		if code != 0 {
			t.Errorf("guard demo --scene 11,8 --scene 7 %s: exit code = %d, want 0:\n%s", how, code, told)
		}
		var numbers []string
		for _, scene := range regexp.MustCompile(title).FindAllStringSubmatch(told, -1) {
			numbers = append(numbers, scene[1])
		}
		if want := []string{"7", "8", "11"}; !slices.Equal(numbers, want) {
			t.Errorf("guard demo --scene 11,8 --scene 7 %s plays %v, want %v", how, numbers, want)
		}
	}
}

func TestLongLinesAreWrapped(t *testing.T) {
	for name, c := range map[string]struct {
		tell func(*plain)
		want string
	}{
		"a short answer": {func(p *plain) { p.promise(promise{Who: "app", What: "reads", Answer: success, Kept: true}) },
			"   app        reads                                         200 OK            ok\n"},
		"an answer that is longer than its column": {
			func(p *plain) {
				p.promise(promise{Who: "guard", What: "corrects", Answer: strings.Repeat("x", 30), Kept: true})
			},
			"   guard      corrects                         xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ok\n"},
		"an answer that needs its own line": {
			func(p *plain) {
				p.promise(promise{Who: "admin", What: "an action with a name of forty characters", Answer: strings.Repeat("x", 30), Kept: true})
			},
			"   admin      an action with a name of forty characters\n" +
				"                                               xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ok\n"},
		"a broken promise": {
			func(p *plain) {
				p.promise(promise{Who: "stranger", What: "GET thankyou.txt from the internet", Answer: success, Promised: refused})
			},
			"   stranger   GET thankyou.txt from the internet\n" +
				"                              200 OK, promised: 403 AccessDenied NOT AS PROMISED\n"},
		"a title": {func(p *plain) { p.scene(12, strings.Repeat("long ", 18)) },
			"\n12. long long long long long long long long long long long long long long long\n    long long long\n"},
		"an indented text": {func(p *plain) { p.says("", "     "+strings.Repeat("long ", 16)) },
			"        long long long long long long long long long long long long long long\n        long long\n"},
		"a word that is longer than a line": {func(p *plain) { p.says("", strings.Repeat("x", 80)) },
			"   " + strings.Repeat("x", 77) + "\n   xxx\n"},
		"an ARN that is longer than a line": {func(p *plain) { p.says("", "arn:aws:s3:::"+strings.Repeat("x", 60)+"/thankyou.txt") },
			"   arn:aws:s3:::" + strings.Repeat("x", 60) + "/\n   thankyou.txt\n"},
		"a long list": {
			func(p *plain) {
				c := correction{Outcome: "corrected", Resource: "routes", Verdict: "open", Trigger: "sweep"}
				for range 40 {
					c.Difference = append(c.Difference, difference{Removed: true, Name: "DenySomething"})
				}
				p.correction(c)
			},
			"   guard      corrected routes (open) in 0 ms\n              trigger  sweep\n" +
				"              missing  " + strings.Repeat("DenySomething, DenySomething, DenySomething,\n                       ", 4) +
				"DenySomething, DenySomething, DenySomething and 25 more\n                       items\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			c.tell(newPlain(&out))
			if got := out.String(); got != c.want {
				t.Errorf("printed\n%swant\n%s", got, c.want)
			}
			checkWidth(t, out.String())
		})
	}
}

func TestADemoOfABrokenTemplateBreaksItsPromises(t *testing.T) {
	t.Parallel()
	folder, disabled := t.TempDir(), false
	for _, name := range []string{"template.yaml", "guard.yaml"} { // the sweep's rule may be in either
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		const schedule = "      ScheduleExpression:"
		before, rule, found := strings.Cut(string(text), "\n  SweepRule:\n")
		if found {
			disabled = true
			text = []byte(before + "\n  SweepRule:\n" + strings.Replace(rule, schedule, "      State: DISABLED\n"+schedule, 1))
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !disabled {
		t.Fatal("neither template has a SweepRule")
	}
	told, err := runGuard("", "demo", "--template", filepath.Join(folder, "template.yaml"), "--scene", "1,2,3") // the second needs the sweep
	if code := exitCode(err); code != 1 {
		t.Fatalf("guard demo: exit code = %d (%v), want 1", code, err)
	}
	if want := "NOT AS PROMISED"; !strings.Contains(told, want) {
		t.Errorf("guard demo prints %q, want %s in it", told, want)
	}
	if want := "promises not kept, the first: CloudWatch after 6 minutes, in alarm: Guard, RuleOff, promised none"; !strings.Contains(err.Error(), want) {
		t.Errorf("guard demo ends with %v, want %s", err, want)
	}
}

func TestADemoThatCannotBePlayedSaysWhy(t *testing.T) {
	t.Parallel()
	for name, arguments := range map[string][]string{
		"a parameter that the template does not have": {"--parameter", "Nonsense=1"},
		"a parameter without a value":                 {"--parameter", "EndpointType"},
		"a value that the template refuses":           {"--parameter", "EndpointType=Door"},
		"no trail, and so no events":                  {"--parameter", "CreateTrail=false"},
		"a guard that only observes":                  {"--parameter", "Enforcement=Observe"},
		"no template":                                 {"--template", "nowhere.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, code := demoOf(t, arguments...); code != 2 {
				t.Errorf("guard demo %v: exit code = %d, want 2", arguments, code)
			}
		})
	}
}

func TestTheDemoTellsTheSameAsJSON(t *testing.T) {
	t.Parallel()
	p := played(t)
	if p.err != nil {
		t.Fatal(p.err)
	}
	var kept, corrections int
	adopted := map[string]bool{} // what is corrected in act two; two runs may correct the same
	var end struct{ Kept, Broken *int }
	for lines := bufio.NewScanner(bytes.NewReader(p.json.Bytes())); lines.Scan(); {
		var line struct {
			Scene, Outcome, Resource, Target string
			Kept                             any
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("guard demo --json: line %s: %v", lines.Text(), err)
		}
		switch {
		case line.Kept == true:
			kept++
		case line.Outcome == "corrected" && slices.ContainsFunc(actTwo, func(a scene) bool { return a.title == line.Scene }):
			adopted[line.Resource+" of "+strings.Split(line.Target, "-0")[0]] = true
		case line.Outcome == "corrected":
			corrections++
		case line.Scene == "":
			if err := json.Unmarshal(lines.Bytes(), &end); err != nil {
				t.Fatal(err)
			}
		}
	}
	if end.Kept == nil || *end.Kept != kept || *end.Broken != 0 {
		t.Errorf("guard demo --json ends with %v, want %d kept and 0 broken", end, kept)
	}
	if want := 6; corrections != want {
		t.Errorf("guard demo --json reports %d corrections, want %d", corrections, want)
	}
	want := []string{
		"bucket-policy of acme-logs", "bucket-policy of acme-new", "bucket-policy of acme-site", "bucket-policy of acme-team",
		"endpoint-policy of vpce", "ownership-controls of acme-site", "public-access-block of acme-site",
	}
	if got := slices.Sorted(maps.Keys(adopted)); !slices.Equal(got, want) {
		t.Errorf("guard demo --json reports in act two the correction of %q, want %q", got, want)
	}
}
