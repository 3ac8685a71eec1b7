package template_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// cloudConfig has the fields of the instance's user data that cloud-init reads.
type cloudConfig struct {
	WriteFiles []struct {
		Path, Permissions, Content string
	} `yaml:"write_files"`
	RunCmd [][]string
}

// file returns the content of a file that the user data writes.
func (c cloudConfig) file(t *testing.T, path string) string {
	t.Helper()
	for _, f := range c.WriteFiles {
		if f.Path == path {
			return f.Content
		}
	}
	t.Fatalf("user data writes no %s", path)
	return ""
}

// userData returns the instance's decoded user data.
func userData(t *testing.T) cloudConfig {
	t.Helper()
	encoded, _ := deploy(t, nil).properties("Instance")["UserData"].(string)
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !strings.HasPrefix(string(text), "#cloud-config\n") {
		t.Fatalf("user data begins %.40q (%v), want a cloud-config", text, err)
	}
	var c cloudConfig
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// EC2 stops and starts an instance whose user data changes, so a tool that rewrites template.yaml must not drop the blank lines of the
// app, of which Python's style wants two before each class and function.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-instance.html
func TestTheAppKeepsItsBlankLines(t *testing.T) {
	lines := strings.Split(userData(t).file(t, "/opt/thankyou/app.py"), "\n")
	for i, line := range lines {
		if (strings.HasPrefix(line, "def ") || strings.HasPrefix(line, "class ")) && (lines[i-1] != "" || lines[i-2] != "") {
			t.Errorf("line %d of the app, %q, has fewer than two blank lines before it", i+1, line)
		}
	}
}

func TestTheInstanceRunsTheAppUnprivileged(t *testing.T) {
	c := userData(t)
	unit := strings.Split(c.file(t, "/etc/systemd/system/thankyou.service"), "\n")
	for _, want := range []string{
		"ExecStart=/opt/thankyou/app.py", "DynamicUser=yes", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict",
		"Environment=BUCKET=docs-example AWS_DEFAULT_REGION=eu-central-1 AWS_MAX_ATTEMPTS=2",
	} {
		if !slices.Contains(unit, want) {
			t.Errorf("the unit lacks %s", want)
		}
	}
	if want := []string{"systemctl", "enable", "--now", "thankyou.service"}; !slices.EqualFunc(c.RunCmd, [][]string{{"systemctl", "daemon-reload"}, want}, slices.Equal) {
		t.Errorf("runcmd = %q, want a reload, then %q", c.RunCmd, want)
	}
}

// dnf reads from al2023-repos-REGION-de612dc2.s3$dualstack.REGION. With the variable's default, the endpoint's
// private DNS does not answer that name; it resolves to the internet, to which the instance's security group allows
// no connection (docs/facts.md, VPC endpoints).
func TestTheInstanceFindsItsPackagesBehindTheEndpoint(t *testing.T) {
	for _, p := range []parameters{nil, gateway} {
		s := deploy(t, p)
		host := "al2023-repos-eu-central-1-de612dc2.s3" + userData(t).file(t, "/etc/dnf/vars/dualstack") + ".eu-central-1.amazonaws.com"
		bucket, ok := strings.CutSuffix(host, ".s3.eu-central-1.amazonaws.com")
		if !ok {
			t.Fatalf("dnf reads from %s, want S3's own name, which private DNS resolves", host)
		}
		r := iampolicy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::" + bucket + "/core/mirrors/latest/aarch64/mirror.list",
			ResourceAccount: "999999999999", Context: map[string][]string{"aws:SourceVpc": {vpcID}, "aws:SecureTransport": {"true"}}}
		public := iampolicy.Policies{Endpoint: parse(t, environment(s)["ENDPOINT_POLICY"]), Resource: parse(t, fullAccess)}
		if got := iampolicy.Evaluate(r, public); got.Effect != iampolicy.Allow {
			t.Errorf("%v: %s by %s, want the repository allowed", p, got.Effect, got.By)
		}
	}
}

func TestTheInstanceIsLockedDown(t *testing.T) {
	p := deploy(t, nil).properties("Instance")
	if got := at(p, "MetadataOptions", "HttpTokens"); got != "required" {
		t.Errorf("HttpTokens = %v, want required (IMDSv2)", got)
	}
	if got := at(p, "BlockDeviceMappings", 0, "Ebs", "Encrypted"); got != true {
		t.Errorf("Encrypted = %v, want true", got)
	}
}

// awsStub replaces the AWS CLI: it keeps objects in the folder S3, and fails if the folder has a file named after the
// call.
const awsStub = `#!/bin/sh
operation=$2 key= body= path=
shift 2
while [ $# -gt 0 ]; do
	case $1 in
	--bucket) [ "$2" = docs-example ] || exit 252; shift 2 ;;
	--key) key=$2; shift 2 ;;
	--body) body=$2; shift 2 ;;
	*) path=$1; shift ;;
	esac
done
if [ -f "$S3/refuse-$operation" ]; then
	cat "$S3/refuse-$operation" >&2
	[ "$operation" = put-object ] && rm "$S3/refuse-$operation"
	exit 254
fi
case $operation in
put-object) cp "$body" "$S3/$key" ;;
get-object) cp "$S3/$key" "$path" ;;
esac
`

// app is the instance's app, running on this machine.
type app struct {
	url string
}

// startApp runs the template's script, with only Python's standard library and the first aws command on PATH. It
// returns when the app serves and has written its object.
func startApp(t *testing.T, environment ...string) *app {
	t.Helper()
	// Python's own path, because a version manager's wrapper would put another aws first on PATH.
	found, err := localtest.Output(t, exec.Command("python3", "-c", "import sys; print(sys.executable)"))
	if err != nil {
		t.Skipf("python3 is not installed: %v", err)
	}
	script := filepath.Join(t.TempDir(), "app.py")
	if err := os.WriteFile(script, []byte(userData(t).file(t, "/opt/thankyou/app.py")), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(strings.TrimSpace(found), "-I", "-S", script)
	command.Env = append(append(os.Environ(), "BUCKET="+bucket, "PORT=0"), environment...)
	var port string
	wrote := false
	localtest.Serve(t, command, func(line string) bool {
		if p, ok := strings.CutPrefix(line, "listening on port "); ok {
			port = p
		}
		wrote = wrote || line == "wrote thankyou.txt"
		return wrote && port != ""
	})
	return &app{url: "http://127.0.0.1:" + port}
}

// get returns the response that a visitor gets.
func (a *app) get(t *testing.T, path string) (int, string) {
	t.Helper()
	visitor := http.Client{Timeout: localtest.Limit}
	response, err := visitor.Get(a.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// stubbed returns the folder in which the stub keeps objects, and the environment in which aws is the stub.
func stubbed(t *testing.T) (folder string, environment []string) {
	t.Helper()
	bin, folder := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "aws"), []byte(awsStub), 0o700); err != nil {
		t.Fatal(err)
	}
	return folder, []string{"S3=" + folder, "PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH")}
}

func write(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTheAppServesWhatS3HasNow(t *testing.T) {
	folder, environment := stubbed(t)
	a := startApp(t, environment...)
	if status, body := a.get(t, "/"); status != 200 || !strings.Contains(body, "Thank you") {
		t.Errorf("GET / = %d %q, want 200 and the text that the app wrote", status, body)
	}
	write(t, folder, "thankyou.txt", "something newer\n")
	if status, body := a.get(t, "/"); status != 200 || body != "something newer\n" {
		t.Errorf("GET / = %d %q, want 200 and S3's current object", status, body)
	}
	if status, _ := a.get(t, "/etc/passwd"); status != 404 {
		t.Errorf("GET /etc/passwd = %d, want 404", status)
	}
}

func TestTheAppSaysWhyS3Refused(t *testing.T) {
	folder, environment := stubbed(t)
	a := startApp(t, environment...)
	write(t, folder, "refuse-get-object", "\nAn error occurred (AccessDenied) when calling the GetObject operation: User: "+
		workloadRole+" is not authorized to perform: s3:GetObject with an explicit deny in a resource-based policy\n")
	status, body := a.get(t, "/")
	if want := "S3 refused to give thankyou.txt: AccessDenied in GetObject\n"; status != 502 || body != want {
		t.Errorf("GET / = %d %q, want 502 %q, without names", status, body, want)
	}
	write(t, folder, "refuse-get-object", "Could not connect to the endpoint URL\n")
	status, body = a.get(t, "/")
	if want := "S3 refused to give thankyou.txt: S3 could not be reached\n"; status != 502 || body != want {
		t.Errorf("GET / = %d %q, want 502 %q", status, body, want)
	}
}

func TestTheAppWritesUntilItWorks(t *testing.T) {
	folder, environment := stubbed(t)
	write(t, folder, "refuse-put-object", "Could not connect to the endpoint URL\n")
	if status, _ := startApp(t, environment...).get(t, "/"); status != 200 {
		t.Errorf("GET / after a first write that failed = %d, want 200", status)
	}
}
