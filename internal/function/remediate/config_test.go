package remediate_test

import (
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/notify"
	"example.com/s3-endpoint-guard/internal/aws/vpcendpoint"
	"example.com/s3-endpoint-guard/internal/environment"
	"example.com/s3-endpoint-guard/internal/function/remediate"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

const (
	account       = "111122223333"
	guardRole     = "arn:aws:iam::111122223333:role/guard-RemediateRole-EXAMPLE"
	workloadRole  = "arn:aws:iam::111122223333:role/guard-InstanceRole-EXAMPLE"
	desiredPolicy = `{"Version":"2012-10-17","Statement":[` +
		`{"Sid":"DenyPlainHTTP","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::docs-example","arn:aws:s3:::docs-example/*"],"Condition":{"BoolIfExists":{"aws:SecureTransport":"false"}}},` +
		`{"Sid":"DenyObjectsOutside","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs-example/*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-0a1b2c3d4e5f60718"}}},` +
		`{"Sid":"DenyListingOutside","Effect":"Deny","Principal":"*","Action":"s3:ListBucket*","Resource":"arn:aws:s3:::docs-example","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-0a1b2c3d4e5f60718"}}},` +
		`{"Sid":"DenyObjectsToStrangers","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs-example/*","Condition":{"ArnNotEquals":{"aws:PrincipalArn":"` + workloadRole + `"}}},` +
		`{"Sid":"DenyListingToStrangers","Effect":"Deny","Principal":"*","Action":"s3:ListBucket*","Resource":"arn:aws:s3:::docs-example","Condition":{"ArnNotEquals":{"aws:PrincipalArn":"` + workloadRole + `"}}}]}`
	denyAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`
)

var setting = iampolicy.Setting{
	Partition: "aws", Region: "eu-central-1", Account: account, Bucket: "docs-example",
	EndpointID: "vpce-0a1b2c3d4e5f60718", VPCID: "vpc-0a1b2c3d4e5f60718", Workload: workloadRole, Guard: guardRole,
	ProbeRole: "arn:aws:iam::111122223333:role/probe",
}

// variables returns the environment of a function for an interface endpoint, with changes.
func variables(changes map[string]string) func(string) string {
	template := map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
		"BUCKET": "docs-example", "BUCKET_POLICY": desiredPolicy,
		"ENDPOINT_ID": "vpce-0a1b2c3d4e5f60718", "ENDPOINT_POLICY": denyAll,
		"VPC_ID": "vpc-0a1b2c3d4e5f60718", "SUBNET_IDS": "subnet-0a,subnet-0b",
		"GROUPS": "sg-0a", "CLIENT_GROUPS": "sg-0b,sg-0c,sg-0d", "CIDRS": "10.0.7.0/16,203.0.113.7/24", "PROBE_ROLE": "probe",
		"STACK": "stack/guard/0f0f0f0f-0000-4000-8000-000000000001",
		"TOPIC": "guard-NotificationTopic", "FORMAT": "Text", "RUNBOOK": "https://example.com/runbook.md",
		"AWS_LAMBDA_LOG_GROUP_NAME": "guard-RemediateLogGroup",
		"OLD_DAYS":                  "30",
		"ENFORCEMENT":               "Enforce", "GUARD_ROLE_ARN": guardRole, "WORKLOAD_ROLE": "guard-InstanceRole-EXAMPLE",
	}
	return func(name string) string {
		if value, ok := changes[name]; ok {
			return value
		}
		return template[name]
	}
}

func TestReadConfigReadsWhatTheTemplateSets(t *testing.T) {
	chinese := setting
	chinese.Partition, chinese.Guard = "aws-cn", "arn:aws-cn:iam::111122223333:role/guard"
	chinese.Workload = "arn:aws-cn:iam::111122223333:role/guard-InstanceRole-EXAMPLE"
	chinese.ProbeRole, chinese.Teardown = "arn:aws-cn:iam::111122223333:role/probe", "arn:aws-cn:iam::111122223333:role/teardown"
	common := remediate.Config{
		Guarded: environment.Guarded{
			Setting: setting, BucketPolicy: desiredPolicy, EndpointPolicy: denyAll, SubnetIDs: []string{"subnet-0a", "subnet-0b"},
		},
		StackID:  "arn:aws:cloudformation:eu-central-1:111122223333:stack/guard/0f0f0f0f-0000-4000-8000-000000000001",
		TopicARN: "arn:aws:sns:eu-central-1:111122223333:guard-NotificationTopic", OldVersionDays: 30,
		Format: notify.Text, Origin: notify.Origin{
			Partition: "aws", Region: "eu-central-1", Account: account, Stack: "guard", Bucket: "docs-example",
			LogGroup: "guard-RemediateLogGroup", Runbook: "https://example.com/runbook.md",
		},
	}
	ofInterface, ofGateway, observing := common, common, common
	ofInterface.SecurityGroupIDs, ofInterface.AllowedGroupIDs = []string{"sg-0a"}, []string{"sg-0b", "sg-0c", "sg-0d"}
	ofInterface.Workload = []vpcendpoint.WorkloadGroup{{ID: "sg-0b", Name: "app", ToS3: "10.0.0.0/16", Clients: "203.0.113.0/24"}, {ID: "sg-0c", Name: "probe", ToS3: "10.0.0.0/16"}}
	withoutProbe := ofInterface
	withoutProbe.Setting.ProbeRole, withoutProbe.AllowedGroupIDs = "", []string{"sg-0b", "sg-0d"}
	withoutProbe.Workload = []vpcendpoint.WorkloadGroup{{ID: "sg-0b", Name: "app", ToS3: "10.0.0.0/16"}}
	ofGateway.Gateway, ofGateway.RouteTableIDs = true, []string{"rtb-1", "rtb-2"}
	ofGateway.Workload = []vpcendpoint.WorkloadGroup{{ID: "sg-0b", Name: "app", ToS3: "0.0.0.0/0", Clients: "203.0.113.0/24"}, {ID: "sg-0c", Name: "probe", ToS3: "0.0.0.0/0"}}
	observing = ofInterface
	observing.Observe, observing.Setting = true, chinese
	observing.TopicARN = "arn:aws-cn:sns:eu-central-1:111122223333:guard-NotificationTopic"
	observing.StackID, observing.Origin.Partition = strings.Replace(common.StackID, "aws", "aws-cn", 1), "aws-cn"
	observing.SweepQueue = "https://sqs.eu-central-1.amazonaws.com.cn/111122223333/s3-endpoint-guard-0f0f0f0f-0000-4000-8000-000000000001"
	observing.SweepEvery = 5 * time.Second
	observing.Format, observing.Origin.Runbook, observing.SecurityHub = notify.AmazonQ, "", true
	for name, test := range map[string]struct {
		changes map[string]string
		want    remediate.Config
	}{
		"interface endpoint": {nil, ofInterface},
		"policies with one quotation mark for two": {map[string]string{
			"BUCKET_POLICY": strings.ReplaceAll(desiredPolicy, `"`, "'"), "ENDPOINT_POLICY": strings.ReplaceAll(denyAll, `"`, "'"),
		}, ofInterface},
		"gateway endpoint": {map[string]string{
			"GROUPS": "", "TABLES": "rtb-1,rtb-2",
		}, ofGateway},
		"without a probe and clients of the app, with another workload": {map[string]string{
			"PROBE_ROLE": "", "CLIENT_GROUPS": "sg-0b,sg-0d", "CIDRS": "10.0.0.0/16",
		}, withoutProbe},
		"observing, with all roles, in China": {map[string]string{
			"ENFORCEMENT": "Observe", "GUARD_ROLE_ARN": chinese.Guard,
			"PROBE_ROLE": "probe", "TEARDOWN_ROLE": "teardown", "FORMAT": "AmazonQ", "RUNBOOK": "", "HUB": "true",
			"SWEEP": "5",
		}, observing},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := remediate.ReadConfig(variables(test.changes))
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("err %v, configuration (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestReadConfigNamesEverythingThatIsWrong(t *testing.T) {
	wrong := map[string]string{
		"BUCKET": "a b", "BUCKET_POLICY": "{}", "ENDPOINT_ID": "vpce-", "CIDRS": "10.0.0.0",
		"ENDPOINT_POLICY": "not JSON", "VPC_ID": "subnet-1", "SUBNET_IDS": "subnet-1,,subnet-2", "GROUPS": "sg-1;sg-2",
		"CLIENT_GROUPS": "SG-1", "STACK": "guard", "TOPIC": "arn:aws:sns:eu-central-1:1:t", "ENFORCEMENT": "yes",
		"FORMAT": "JSON", "OLD_DAYS": "0", "RUNBOOK": "https://example.com/#top", "HUB": "yes",
		"SWEEP":          "0",
		"GUARD_ROLE_ARN": "arn:aws:iam::111122223333:user/x", "WORKLOAD_ROLE": "role/x", "PROBE_ROLE": "role/x",
	}
	unset := map[string]string{}
	for name := range wrong {
		unset[name] = ""
	}
	for kind, changes := range map[string]map[string]string{"wrong": wrong, "unset": unset} {
		_, err := remediate.ReadConfig(variables(changes))
		if err == nil {
			t.Fatalf("ReadConfig(everything %s) succeeded", kind)
		}
		for name := range changes {
			optional := kind == "unset" && slices.Contains([]string{"PROBE_ROLE", "RUNBOOK", "HUB", "SWEEP"}, name)
			if strings.Contains(err.Error(), name+" ") == optional && strings.Contains(err.Error(), name+":") == optional {
				t.Errorf("everything %s: the error names %s although it is optional, or does not name it:\n%v", kind, name, err)
			}
		}
	}
}

func TestReadConfigWantsWhatTheEndpointTypeNeeds(t *testing.T) {
	for tables, needs := range map[string][]string{
		"":      {"GROUPS", "CLIENT_GROUPS"},
		"rtb-1": {"CLIENT_GROUPS"},
	} {
		_, err := remediate.ReadConfig(variables(map[string]string{
			"GROUPS": "", "CLIENT_GROUPS": "", "TABLES": tables,
		}))
		for _, name := range needs {
			if err == nil || !strings.Contains(err.Error(), name+" is not set") {
				t.Errorf("route tables %q without %s: %v, want an error that names it", tables, name, err)
			}
		}
	}
}

func TestNewNamesTheProblemsOfConfigurationAndSDKTogether(t *testing.T) {
	_, err := remediate.New(variables(map[string]string{"BUCKET": "", "AWS_REGION": ""}), slog.New(slog.DiscardHandler), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "BUCKET is not set") || !strings.Contains(err.Error(), "AWS_REGION is not set") {
		t.Errorf("New = %v, want an error that names BUCKET and AWS_REGION", err)
	}
}

func TestNewImportsFindingsOnlyIfAskedTo(t *testing.T) {
	for value, want := range map[string][]string{"": {"record events"}, "true": {"record events", "Security Hub"}} {
		f, err := remediate.New(variables(map[string]string{"HUB": value}), slog.New(slog.DiscardHandler), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range f.Senders {
			got = append(got, s.Name())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("senders with HUB %q (-want +got):\n%s", value, diff)
		}
	}
}

func TestNewGuardsEverythingOfEachEndpointType(t *testing.T) {
	for tables, want := range map[string][]string{
		"":      {"vpc-endpoint", "security-group-rules"},
		"rtb-1": {"vpc-endpoint", "security-group-rules", "route-table-associations"},
	} {
		want := append([]string{
			"bucket-policy", "public-access-block", "ownership-controls", "lifecycle-rules", "versioning", "encryption",
		}, want...)
		f, err := remediate.New(variables(map[string]string{"TABLES": tables}), slog.New(slog.DiscardHandler), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range f.Guard.Members {
			for _, r := range m.Resources {
				got = append(got, r.Name())
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("route tables %q (-want +got):\n%s", tables, diff)
		}
	}
}

// fleetVariables returns the environment of guard.yaml's function, with changes.
func fleetVariables(changes map[string]string) func(string) string {
	template := map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
		"BUCKET_NAMES": "data-*,reports", "VPC_ENDPOINT_IDS": "vpce-0a1b2c3d4e5f60718", "ALLOW_AWS_SERVICES": "false",
		"ENDPOINT_POLICY": "Keep", "POLICY_MODE": "AtLeast", "ENFORCEMENT": "Observe",
		"ADOPTION": "state-example/adoption/1.json?versionId=v1&sha256=" + strings.Repeat("0", 64),
		"STACK":    "stack/guard/0f0f0f0f-0000-4000-8000-000000000001", "TOPIC": "guard-NotificationTopic", "FORMAT": "Text",
		"GUARD_ROLE_ARN": guardRole,
	}
	return func(name string) string {
		if value, ok := changes[name]; ok {
			return value
		}
		return template[name]
	}
}

func TestReadConfigReadsAFleet(t *testing.T) {
	const topic = "arn:aws:sns:eu-central-1:999900001111:alerts"
	got, err := remediate.ReadConfig(fleetVariables(map[string]string{"TOPIC": topic}))
	if err != nil {
		t.Fatal(err)
	}
	if !got.Observe || got.TopicARN != topic || got.Setting.Account != account || got.Setting.Bucket != "" || got.Origin.Stack != "guard" {
		t.Errorf("configuration %+v, want guard.yaml's", got)
	}
	if f := got.Fleet; f == nil || !f.Selection.Matches("data-1") || f.Selection.Matches("other") || f.Adoption.Bucket != "state-example" || f.Mode != "AtLeast" {
		t.Errorf("fleet %+v, want guard.yaml's", got.Fleet)
	}
}

func TestReadConfigNamesWhatIsWrongOfAFleet(t *testing.T) {
	wrong := map[string]string{
		"BUCKET_NAMES": "a b", "VPC_ENDPOINT_IDS": "vpc-1", "ALLOW_AWS_SERVICES": "yes", "ENDPOINT_POLICY": "All", "POLICY_MODE": "Most",
		"ADOPTION": "none", "TOPIC": "arn:aws:sqs:eu-central-1:111122223333:q",
	}
	_, err := remediate.ReadConfig(fleetVariables(wrong))
	if err == nil {
		t.Fatal("ReadConfig = nil, want an error")
	}
	for _, name := range []string{"BucketNames", "VpcEndpointIds", "AllowAwsServices", "EndpointPolicy", "PolicyMode", `"none" is not a reference`, "TOPIC"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %s:\n%v", name, err)
		}
	}
}
