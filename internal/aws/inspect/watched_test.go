package inspect_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/inspect"
	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/s3"
)

// refusals are the answers with which AWS refuses a call: for lack of permission, and because there are too many calls.
var refusals = []*api.Error{
	{Status: http.StatusForbidden, Code: "AccessDenied", Message: "No."},
	{Status: http.StatusServiceUnavailable, Code: "SlowDown", Message: "Reduce your request rate."},
}

// bucketOfTwo makes a bucket that is a website and has a CORS configuration.
func bucketOfTwo(t *testing.T) (*api.Gate, aws.Config, string) {
	t.Helper()
	gate := localtest.Gate(t, api.Options{})
	store := s3.New(gate.Options())
	gate.Add(store)
	sdk := localtest.Config(t, gate, localtest.Everything)
	client := awss3.NewFromConfig(sdk, func(o *awss3.Options) { o.UsePathStyle = true })
	localtest.Must(struct{}{}, store.CreateBucket("docs", ""))(t)
	localtest.Must(client.PutBucketWebsite(t.Context(), &awss3.PutBucketWebsiteInput{
		Bucket: aws.String("docs"), WebsiteConfiguration: &types.WebsiteConfiguration{IndexDocument: &types.IndexDocument{Suffix: aws.String("i")}},
	}))(t)
	localtest.Must(client.PutBucketCors(t.Context(), &awss3.PutBucketCorsInput{
		Bucket: aws.String("docs"), CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}}}},
	}))(t)
	return gate, sdk, gate.Options().Account
}

func TestExitsThatAreRefusedHideNoOther(t *testing.T) {
	gate, sdk, account := bucketOfTwo(t)
	exits := &inspect.Exits{API: awss3.NewFromConfig(sdk, func(o *awss3.Options) { o.UsePathStyle = true }), Bucket: "docs", Account: account}
	for call, part := range map[string]string{
		"GetObjectLockConfiguration": "object-lock", "GetBucketReplication": "replication", "ListBucketInventoryConfigurations": "inventory",
		"ListBucketAnalyticsConfigurations": "analytics", "GetBucketMetadataConfiguration": "metadata-tables", "GetBucketLogging": "access-logs",
		"GetBucketNotificationConfiguration": "notifications", "GetBucketWebsite": "website", "GetBucketCors": "cors",
		"GetBucketAccelerateConfiguration": "acceleration", "GetBucketRequestPayment": "requester-pays", "": "",
	} {
		for _, refusal := range refusals {
			gate.ClearFaults()
			gate.Inject(api.Fault{Service: "s3", Operation: call, Error: refusal})
			if call == "" {
				gate.ClearFaults()
			}
			found, err := exits.Read(t.Context())
			var got, want []string
			for _, x := range found {
				got = append(got, x.Name)
			}
			for _, name := range []string{"website", "cors"} {
				if name != part {
					want = append(want, name)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s refused with %s: exits (-want +got):\n%s", call, refusal.Code, diff)
			}
			if refused := err != nil && strings.Contains(err.Error(), part+" of bucket docs") && errorcode.Of(err) == refusal.Code; refused != (call != "") {
				t.Errorf("%s refused with %s: Read = %v", call, refusal.Code, err)
			}
		}
	}
}

func TestAccessPointsOfTheBucketAreListed(t *testing.T) {
	gate, sdk, account := bucketOfTwo(t)
	points := &inspect.AccessPoints{API: inspect.S3Control(sdk), Bucket: "docs", Account: account}
	if got, err := points.Read(t.Context()); err != nil || len(got) > 0 {
		t.Errorf("Read = %v, %v, want none", got, err)
	}
	for _, refusal := range refusals {
		gate.ClearFaults()
		gate.Inject(api.Fault{Service: "s3", Operation: "ListAccessPoints", Error: refusal})
		if _, err := points.Read(t.Context()); errorcode.Of(err) != refusal.Code {
			t.Errorf("Read = %v, want %s", err, refusal.Code)
		}
	}
}

// workload makes a network with a subnet.
func workload(t *testing.T) (*api.Gate, *awsec2.Client, *inspect.Network) {
	t.Helper()
	gate := localtest.Gate(t, api.Options{})
	service := ec2.New(gate.Options())
	gate.Add(service)
	client := awsec2.NewFromConfig(localtest.Config(t, gate, localtest.Everything))
	vpc := localtest.Must(service.CreateVPC(ec2.VPC{CIDR: "10.0.0.0/16", DNSSupport: true}))(t)
	subnet := localtest.Must(service.CreateSubnet(ec2.Subnet{VPCID: vpc.ID, CIDR: "10.0.0.0/24"}))(t)
	return gate, client, &inspect.Network{
		API: client, VPCID: vpc.ID, EndpointID: "vpce-1", Services: []string{"com.amazonaws.eu-central-1.s3"},
		SubnetIDs: []string{subnet.ID},
	}
}

func TestPartsOfTheNetworkThatAreRefusedHideNoOther(t *testing.T) {
	refused := func(n health.Network) map[string]bool {
		return map[string]bool{"endpoints": n.OtherEndpoints.Err != nil, "dns": n.DNS.Err != nil, "acls": n.ACLs.Err != nil, "dhcp": n.DHCP.Err != nil}
	}
	for call, part := range map[string]string{
		"DescribeVpcEndpoints": "endpoints", "DescribeVpcAttribute": "dns", "DescribeNetworkAcls": "acls",
		"DescribeVpcs": "dhcp", "DescribeDhcpOptions": "dhcp",
	} {
		for _, code := range []string{"UnauthorizedOperation", "RequestLimitExceeded"} {
			gate, _, network := workload(t)
			gate.Inject(api.Fault{Service: "ec2", Operation: call, Error: &api.Error{Status: http.StatusForbidden, Code: code, Message: "No."}})
			found, err := network.Read(t.Context())
			want := map[string]bool{"endpoints": false, "dns": false, "acls": false, "dhcp": false}
			want[part] = true
			if diff := cmp.Diff(want, refused(found)); diff != "" || errorcode.Of(err) != code {
				t.Errorf("%s refused with %s: Read = %v, parts that failed (-want +got):\n%s", call, code, err, diff)
			}
		}
	}
}

func TestDHCPOptionsAreReadAgainOnlyIfTheyAreOthers(t *testing.T) {
	gate, client, network := workload(t)
	read := func() health.DHCPOptions {
		gate.ResetCalls()
		found, err := network.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return found.DHCP.Value
	}
	described := func() (n int) {
		for _, call := range gate.Calls() {
			if call.Operation == "DescribeDhcpOptions" {
				n++
			}
		}
		return n
	}
	if got := read().Values["domain-name-servers"]; !cmp.Equal(got, []string{"AmazonProvidedDNS"}) || described() != 1 {
		t.Errorf("name servers = %v, read %d times, want Amazon's, read once", got, described())
	}
	if read(); described() != 0 {
		t.Errorf("the same options were read %d times more", described())
	}
	made := localtest.Must(client.CreateDhcpOptions(t.Context(), &awsec2.CreateDhcpOptionsInput{DhcpConfigurations: []ec2types.NewDhcpConfiguration{
		{Key: aws.String("domain-name-servers"), Values: []string{"192.0.2.53"}},
	}}))(t)
	for id, want := range map[string][]string{*made.DhcpOptions.DhcpOptionsId: {"192.0.2.53"}, "default": nil} {
		localtest.Must(client.AssociateDhcpOptions(t.Context(), &awsec2.AssociateDhcpOptionsInput{DhcpOptionsId: &id, VpcId: &network.VPCID}))(t)
		if got := read(); got.ID != id || !cmp.Equal(got.Values["domain-name-servers"], want) {
			t.Errorf("options = %+v, want %s with the name servers %v", got, id, want)
		}
	}
}
