package deployment

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/localaws/vpcnet"
)

// functionKinds are the types of functions. CodeUri and Architectures are ignored, because [Engine.Deploy] gets the path
// of the built bootstrap.
var functionKinds = map[string]kind{
	"AWS::Serverless::Function": {create: createFunction, nameProperty: "FunctionName", ignored: []string{
		"Architectures", "CodeUri", "Description", "Tracing", "Tags", "LoggingConfig.SystemLogLevel",
	}},
	"AWS::Lambda::Permission":         {create: createPermission},
	"AWS::Lambda::EventSourceMapping": {create: createMapping},
}

func createFunction(c *creation, p properties) (made, error) {
	f, err := c.function(c.physicalName(p), p)
	if err != nil {
		return made{}, err
	}
	arn, err := c.Lambda.Create(f)
	if err != nil {
		return made{}, err
	}
	return c.madeFunction(f.Name, arn), c.connect(f.Name, p)
}

// connect creates the network interfaces of a function in a VPC.
func (c *creation) connect(name string, p properties) error {
	vpc := p.object("VpcConfig")
	return c.EC2.ConnectFunction(name, vpc.texts("SubnetIds"), vpc.texts("SecurityGroupIds"))
}

// interfacesStay is how long Lambda keeps the network interfaces of a deleted function: up to 20 minutes according to AWS
// (awslabs/aws-support-tools#174), 25 to 40 according to users (aws-cloudformation/cloudformation-coverage-roadmap#392).
const interfacesStay = 20 * time.Minute

// removeFunction removes a function, and waits until Lambda removes its network interfaces, as CloudFormation does. For
// this it advances the clock, because nothing else does so meanwhile. With [Options.Patient] it does not wait.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-vpcconfig.html
func (c *creation) removeFunction(name string) error {
	if err := c.Lambda.Remove(name); err != nil {
		return err
	}
	unused := c.EC2.DisconnectFunction(name)
	if len(unused) > 0 && !c.Options.Patient {
		c.Clock.Advance(interfacesStay)
	}
	for _, id := range unused {
		if err := unlessMissing(c.EC2.RemoveNetworkInterface(id)); err != nil {
			return err
		}
	}
	return nil
}

func (c *creation) madeFunction(name, arn string) made {
	update := func(p properties) (made, error) {
		f, err := c.function(name, p)
		if err != nil {
			return made{}, err
		}
		return c.madeFunction(name, arn), errors.Join(c.Lambda.Update(f), c.connect(name, p))
	}
	remove := func() error { return c.removeFunction(name) }
	return made{ref: name, attributes: map[string]any{"Arn": arn}, update: update, remove: remove}
}

// function reads a function's configuration.
func (c *creation) function(name string, p properties) (lambda.Function, error) {
	bootstrap, err := c.stack.bootstraps(c.resource.LogicalID)
	if err != nil {
		return lambda.Function{}, err
	}
	p.oneOf("Runtime", "provided.al2023")
	role := p.text("Role")
	if _, ok := c.IAM.Role(path.Base(role)); !ok {
		return lambda.Function{}, fmt.Errorf("the role %s cannot be assumed by Lambda", role)
	}
	f := lambda.Function{
		Name: name, Bootstrap: bootstrap, Handler: p.text("Handler"), Role: role, EndpointURL: c.Options.FunctionsURL,
		Environment: map[string]string{}, MemoryMB: p.number("MemorySize"),
		Timeout: time.Duration(p.number("Timeout")) * time.Second, Async: asyncOf(p.object("EventInvokeConfig")),
	}
	logging := p.object("LoggingConfig")
	f.LogGroup, f.LogFormat = logging.text("LogGroup"), logging.text("LogFormat")
	f.ApplicationLogLevel = logging.text("ApplicationLogLevel")
	variables := p.object("Environment").object("Variables")
	for variable := range variables.values {
		f.Environment[variable] = variables.text(variable)
	}
	if p.has("VpcConfig") {
		if err := c.place(&f, p.object("VpcConfig")); err != nil {
			return lambda.Function{}, err
		}
	}
	if p.has("ReservedConcurrentExecutions") {
		reserved := p.number("ReservedConcurrentExecutions")
		f.ReservedConcurrency = &reserved
	}
	return f, nil
}

// place puts a function into a VPC: it reaches what is reachable from the first of its subnets, by names and addresses,
// and has no endpoint URL. Its role must allow Lambda to create its network interfaces.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
func (c *creation) place(f *lambda.Function, p properties) error {
	subnets := p.texts("SubnetIds")
	if len(subnets) == 0 {
		return fmt.Errorf("the function's VpcConfig has no subnet")
	}
	role := c.IAM.Session(path.Base(f.Role), "lambda")
	for _, action := range []string{"CreateNetworkInterface", "DescribeNetworkInterfaces", "DescribeSubnets", "DeleteNetworkInterface"} {
		request := iampolicy.Request{Principal: role.Principal, Action: "ec2:" + action, Resource: "*", ResourceAccount: role.Account}
		if !api.Allows(request, nil, role) {
			return fmt.Errorf("the provided execution role does not have permissions to call %s on EC2", action)
		}
	}
	relay, err := c.Network.Relay(vpcnet.Place{SubnetID: subnets[0], Groups: p.texts("SecurityGroupIds")})
	f.EndpointURL = ""
	f.Local = map[string]string{"NETWORK_RELAY": relay, "SSL_CERT_FILE": c.Network.CertificateFile()}
	return err
}

// asyncOf reads SAM's EventInvokeConfig.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-eventinvokeconfiguration.html
func asyncOf(p properties) lambda.Async {
	a := lambda.Async{MaximumEventAge: time.Duration(p.number("MaximumEventAgeInSeconds")) * time.Second}
	if p.has("MaximumRetryAttempts") {
		retries := p.number("MaximumRetryAttempts")
		a.MaximumRetryAttempts = &retries
	}
	destinations := p.object("DestinationConfig")
	a.OnFailure = destinationOf(destinations.object("OnFailure"))
	a.OnSuccess = destinationOf(destinations.object("OnSuccess"))
	return a
}

func destinationOf(p properties) string {
	if p.has("Type") {
		p.oneOf("Type", "SQS", "SNS", "EventBridge")
	}
	return p.text("Destination")
}

func createPermission(c *creation, p properties) (made, error) {
	function := p.text("FunctionName")
	p.oneOf("Action", "lambda:InvokeFunction")
	permission := lambda.Permission{
		StatementID: c.name(), Service: p.text("Principal"), SourceARN: p.text("SourceArn"), SourceAccount: p.text("SourceAccount"),
	}
	remove := func() error { return c.Lambda.Forbid(function, permission.StatementID) }
	return made{ref: permission.StatementID, remove: remove}, c.Lambda.Permit(function, permission)
}

func createMapping(c *creation, p properties) (made, error) {
	m := lambda.Mapping{
		ID: uuid(c.name()), QueueARN: p.text("EventSourceArn"), Function: p.text("FunctionName"), BatchSize: p.number("BatchSize"),
		MaximumConcurrency: p.object("ScalingConfig").number("MaximumConcurrency"),
		ReportsFailures:    slices.Contains(p.texts("FunctionResponseTypes"), "ReportBatchItemFailures"),
	}
	return made{ref: m.ID, remove: func() error { return c.Lambda.Unmap(m.ID) }}, c.Lambda.Map(m)
}
