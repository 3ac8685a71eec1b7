package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/local/bootstrap"
)

// commandFolder is the folder of the built command. TestMain makes and removes it.
var commandFolder string

// builtCommand builds the command as a user does, once, and returns its path.
var builtCommand = sync.OnceValues(func() (string, error) {
	path := filepath.Join(commandFolder, "guard")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-ldflags", "-X main.version=v1.2.3-test", "-o", path, ".")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the command: %w\n%s", err, said)
	}
	return path, nil
})

// saying is the output and the exit code of a run of the built command.
type saying struct {
	out, err string
	code     int
}

// runBuilt runs the built command outside a checkout, without built functions, with a time limit of one minute.
func runBuilt(t *testing.T, folder, stdin string, args ...string) saying {
	t.Helper()
	return runBuiltWith(t, folder, stdin, nil, args...)
}

// runBuiltWith is [runBuilt] with more environment variables.
func runBuiltWith(t *testing.T, folder, stdin string, environment []string, args ...string) saying {
	t.Helper()
	path, err := builtCommand()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	command := exec.CommandContext(ctx, path, args...)
	command.Dir, command.Stdin, command.Stdout, command.Stderr = folder, strings.NewReader(stdin), &out, &errs
	command.Env = append(os.Environ(), bootstrap.ReadyBuilt+"=", "AWS_CA_BUNDLE=", "AWS_REGION=eu-central-1",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true")
	command.Env = append(command.Env, environment...)
	if err := command.Run(); ctx.Err() != nil {
		t.Fatalf("guard %s did not end within a minute: %v", strings.Join(args, " "), err)
	}
	return saying{out.String(), errs.String(), command.ProcessState.ExitCode()}
}

// outside returns an empty folder outside the checkout, with some files for the verbs to read.
func outside(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"policy.json": compact, "other.json": another, "broken.json": "{", "requests.json": "[]",
		"template.yaml": "Resources: {}\n", "event.json": `{}`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// mistakes are wrong calls of each verb, and the text on standard error for each.
var mistakes = map[string][]struct{ args, says string }{
	"access": {
		{"open.json", `unexpected argument "open.json"` + "\nusage: guard access --batch FILE"},
		{"", "--batch is missing, or --action and --as\nusage: guard access --batch FILE | --action ACTION --as ARN"},
		{"--batch requests.json --action s3:GetObject", "--action has no meaning with --batch"},
		{"--action s3:GetObject", "--as is missing"},
		{"--as anonymous", "--action is missing"},
		{"--action s3:GetObject --as anonymous", "--bucket-policy or --endpoint-policy is missing"},
		{"--action s3:GetObject --as anonymous --bucket-policy none.json", "open none.json: no such file"},
		{"--action s3:GetObject --as anonymous --bucket-policy broken.json", "broken.json: "},
		{"--action s3:GetObject --as anonymous --bucket-policy policy.json --vpce x", "--vpce x: want an id that begins with vpce-"},
		{"--action s3:GetObject --as anonymous --bucket-policy policy.json --vpc vpc-1", "--vpc without --vpce"},
		{"--action s3:GetObject --as anonymous --bucket-policy policy.json --source-ip here", "--source-ip here: want an address"},
		{"--action s3:GetObject --as anonymous --bucket-policy policy.json --context x", "--context x: want Key=Value"},
		{"--batch", "flag needs an argument: --batch\nusage: guard access"},
		{"--batch none.json", "open none.json: no such file"},
		{"--batch .", "is a directory"},
		{"--batch broken.json", "reading broken.json: "},
		{"--batch policy.json", "want a JSON array of requests"},
	},
	"audit": {
		{"", "--bucket, --vpc-endpoint, --stack or --all is missing\nusage: guard audit --bucket NAME"},
		{"extra", `unexpected argument "extra"`},
		{"--all --json --sarif", "--json and --sarif: want at most one"},
		{"--all --concurrency 0", "--concurrency 0: want 1 to 256"},
		{"--all --vpce x", "--vpce x: want an id that begins with vpce-"},
		{"--vpc-endpoint x", "--vpc-endpoint x: want an id that begins with vpce-"},
		{"--bucket [", "--bucket [: syntax error in pattern"},
		{"--bucket s3://docs-example", "--bucket s3://docs-example: this is more than a name"},
		{"--all --endpoint-url here", "--endpoint-url here: want an address"},
		{"--all --profile nosuch", "reading the AWS configuration: "},
	},
	"check": {
		{"", "an argument is missing: want 1, got 0\nusage: guard check FILE..."},
		{"policy.json --json --sarif", "--json, --sarif and --github: want at most one"},
		{"policy.json --parameter X", "--parameter X: want Key=Value"},
		{"policy.json --kind role", "--kind role: want bucket or endpoint"},
		{"policy.json --bucket [", "--bucket [: syntax error in pattern"},
		{"policy.json --vpce x", "--vpce x: want an id that begins with vpce-"},
		{"policy.json --management-role x", "--management-role x: want the ARN of a role"},
		{"none.json", "none.json: no such file"},
		{"broken.json", "broken.json: "},
		{"event.json", "event.json: this is neither a policy, nor a CloudFormation template, Terraform's JSON, or CDK's cloud assembly"},
		{"requests.json", "requests.json: reading it as a CloudFormation template"},
		{"template.yaml --parameter X=1", "template.yaml: reading it as a CloudFormation template: no Resources"},
	},
	"completion": {},
	"cost": {
		{"extra", `unexpected argument "extra"` + "\nusage: guard cost"},
		{"--template none.yaml", "open none.yaml: no such file"},
		{"--template broken.json", "broken.json: "},
		{"--parameter Nosuch=1", "Nosuch"},
		{"--parameter Nosuch", "--parameter Nosuch: want Key=Value"},
		{"--parameter EndpointType=Door", "EndpointType"},
	},
	"demo": {
		{"extra", `unexpected argument "extra"`},
		{"--template none.yaml", "open none.yaml: no such file"},
		{"--scene 19", "there is no scene 19. The scenes are:\n 1  The lock: only the app reads, through the endpoint\n 2  "},
		{"--scene 0,1", "there is no scene 0."},
		{"--scene first", `invalid argument "first" for "--scene"`},
		{"--pause", "--pause waits for Enter between the scenes, but standard input is not a terminal"},
		{"--board-port 8000", "--board-port needs --board"},
		{"--board --pause", "if any flags in the group [board pause] are set none of the others can be"},
		{"", "finding the functions' sources"},
	},
	"diff": {
		{"", "an argument is missing: want 2, got 0\nusage: guard diff A.json B.json"},
		{"policy.json", "an argument is missing: want 2, got 1\nusage: guard diff A.json B.json"},
		{"policy.json policy.json other.json", `unexpected argument "other.json"` + "\nusage: guard diff"},
		{"policy.json none.json", "open none.json: no such file"},
		{"policy.json .", "is a directory"},
		{"policy.json broken.json", "broken.json: "},
	},
	"empty": {
		{"", "--bucket is missing"},
		{"docs", `unexpected argument "docs"` + "\nusage: guard empty --bucket NAME"},
		{"--bucket docs extra", `unexpected argument "extra"`},
	},
	"exposure": {
		{"--policy none.json", "open none.json: no such file"},
		{"--policy broken.json", "broken.json: "},
		{"extra", `unexpected argument "extra"`},
		{"--template none.yaml", "open none.yaml: no such file"},
	},
	"help": {
		{"nosuch", `unknown command "nosuch"`},
		{"cost extra", `unexpected argument "extra"`},
	},
	"history": {
		{"extra", `unexpected argument "extra"`},
		{"--since yesterday", "want a duration such as 12h, 7d or 2w"},
		{"--stack /x", "--stack /x: want the name of a stack"},
		{"--bucket docs --vpc-endpoint vpce-1", "--bucket and --vpc-endpoint: want at most one"},
		{"--bucket s3://docs-example", "--bucket s3://docs-example: this is more than a name"},
		{"--vpc-endpoint x", "--vpc-endpoint x: want an id that begins with vpce-"},
		{"--endpoint-url here", "--endpoint-url here: want an address"},
	},
	"local": {
		{"extra", `unexpected argument "extra"`},
		{"--board-port 8000", "--board-port needs --board"},
		{"", "finding the functions' sources"},
	},
	"match": {
		{"", "an argument is missing: want 1, got 0\nusage: guard match EVENT.json"},
		{"none.json", "open none.json: no such file"},
		{"broken.json", "broken.json: "},
		{"event.json --parameter Bucket", "--parameter Bucket: want Key=Value"},
		{"event.json --template none.yaml", "open none.yaml: no such file"},
	},
	"pause": {
		{"", "want --bucket or --vpc-endpoint\nusage: guard pause --bucket NAME"},
		{"extra", `unexpected argument "extra"`},
		{"--bucket docs --vpc-endpoint vpce-1 --for 1h --reason x", "want --bucket or --vpc-endpoint"},
		{"--bucket docs --reason x", "want --for or --until"},
		{"--bucket docs --for 1h --until 2026-03-02T14:00:00Z --reason x", "want --for or --until"},
		{"--bucket docs --until tomorrow --reason x", "--until tomorrow: want a time such as"},
		{"--bucket docs --for 1h", "a window needs a reason"},
		{"--bucket docs --for 25h --reason x", "a window lasts a day at most"},
		{"--bucket docs --for -1h --reason x", "would have ended at"},
		{"--list --bucket docs", "--list stands alone"},
		{"--end --bucket docs --for 1h", "--end has no meaning with --for"},
		{"--bucket docs --for 1h --reason x --stack -x", "--stack -x: want the name of a stack"},
	},
	"undo": {
		{"", "an argument is missing: want 1, got 0\nusage: guard undo RECORD"},
		{"a/b", "a/b: want the id of a record"},
		{"a --property A", "--property A: want the name of a property"},
		{"a --for 25h", "a window lasts a day at most"},
		{"a --bucket docs --vpc-endpoint vpce-1", "want at most one"},
	},
	"report": {
		{"extra", `unexpected argument "extra"`},
		{"--since 0d", "want a duration in the past"},
	},
	"render": {
		{"", "want one of --json, --terraform, --cdk, --cloudformation, --scp, --rcp\nusage: guard render --bucket NAME..."},
		{"extra", `unexpected argument "extra"`},
		{"--json --cdk", "want one of --json, --terraform, --cdk, --cloudformation, --scp, --rcp"},
		{"--json", "--account or --region is missing"},
		{"--json --vpce x", "--vpce x: want an id that begins with vpce-"},
		{"--json --account 111122223333 --region eu-central-1 --vpc vpc-0a", "--vpc: the lock is for endpoints: give --vpce"},
		{"--json --account 111122223333 --region eu-central-1 --bucket s3://docs", "--bucket s3://docs: this is more than a name"},
		{"--json --account 111122223333 --region eu-central-1", "BucketNames: want at least one"},
		{"--json --account 111122223333 --region eu-central-1 --cidr 10.0.0.0/8", "AllowedCidrs: 10.0.0.0/8 is not public"},
	},
}

// TestMistakesAreExplained shows for each verb that wrong usage has its own exit code and an explanation.
func TestMistakesAreExplained(t *testing.T) {
	t.Parallel()
	folder := outside(t)
	check := func(args, says string) {
		t.Helper()
		got := runBuilt(t, folder, "", strings.Fields(args)...)
		if got.code != exitUnjudged || got.out != "" || !strings.HasPrefix(got.err, "guard: ") || !strings.Contains(got.err, says) {
			t.Errorf("guard %s: exit code %d, output %q, standard error %q; want %d, and %q only on standard error", args, got.code, got.out, got.err, exitUnjudged, says)
		}
	}
	check("nosuch", `unknown command "nosuch"`)
	check("acess", "Did you mean this?\n\taccess")
	check("--nosuch", "unknown flag: --nosuch\nusage: guard")
	root := rootCommand()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("")
	for _, verb := range root.Commands() {
		name := verb.Name()
		calls, ok := mistakes[name]
		if !ok {
			t.Errorf("the test has no wrong calls of guard %s", name)
		}
		check(name+" --nosuch", "unknown flag: --nosuch\nusage: guard "+name)
		for _, call := range calls {
			check(name+" "+call.args, call.says)
		}
	}
}

// TestHelpForEveryVerb shows that help has exit code 0 and says what the verb does and how to use it.
func TestHelpForEveryVerb(t *testing.T) {
	t.Parallel()
	folder := outside(t)
	for _, verb := range rootCommand().Commands() {
		first, _, _ := strings.Cut(verb.Long, "\n")
		for _, args := range [][]string{{verb.Name(), "--help"}, {"help", verb.Name()}} {
			got := runBuilt(t, folder, "", args...)
			if got.code != 0 || got.err != "" || !strings.HasPrefix(got.out, first+"\n") || !strings.Contains(got.out, "Usage:\n  guard "+verb.Name()) {
				t.Errorf("guard %q: exit code %d, output %q, standard error %q; want 0, and the help on standard output", args, got.code, got.out, got.err)
			}
		}
	}
	if got := runBuilt(t, folder, "", "--version"); got.code != 0 || !strings.HasPrefix(got.out, "guard v1.2.3-test (go") {
		t.Errorf("guard --version: exit code %d, output %q, standard error %q", got.code, got.out, got.err)
	}
}

// TestTheTemplateIsBuiltIn shows that the verbs that read the template need no checkout, and ignore a template.yaml
// in the current folder.
func TestTheTemplateIsBuiltIn(t *testing.T) {
	t.Parallel()
	folder := outside(t) // with a template.yaml of another project
	event, err := filepath.Abs("../../testdata/events/delete-bucket-public-access-block.json")
	if err != nil {
		t.Fatal(err)
	}
	for says, args := range map[string][]string{
		"**the guard, at list price**": {"cost"},
		`"listUSD":`:                   {"cost", "--json"},
		"| nothing |":                  {"exposure"},
		"BucketRule":                   {"match", event},
	} {
		if got := runBuilt(t, folder, "", args...); got.code > exitUnmatched || !strings.Contains(got.out, says) {
			t.Errorf("guard %q: exit code %d, output %q, standard error %q; want %q", args, got.code, got.out, got.err, says)
		}
	}
}
