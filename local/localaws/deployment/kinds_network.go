package deployment

import (
	"maps"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/ec2"
)

// networkKinds are the types of AWS::EC2. The deletion of a resource that does not exist any more is not an error, as in
// CloudFormation.
var networkKinds = map[string]kind{
	"AWS::EC2::VPC":                         {create: createVPC},
	"AWS::EC2::InternetGateway":             {create: createInternetGateway, ignored: []string{"Tags"}},
	"AWS::EC2::VPCGatewayAttachment":        {create: attachInternetGateway},
	"AWS::EC2::Subnet":                      {create: createSubnet},
	"AWS::EC2::RouteTable":                  {create: createRouteTable, ignored: []string{"Tags"}},
	"AWS::EC2::Route":                       {create: createRoute},
	"AWS::EC2::SubnetRouteTableAssociation": {create: associateRouteTable},
	"AWS::EC2::SecurityGroup":               {create: createSecurityGroup},
	"AWS::EC2::SecurityGroupIngress":        {create: authorize(false)},
	"AWS::EC2::SecurityGroupEgress":         {create: authorize(true)},
	"AWS::EC2::VPCEndpoint":                 {create: createEndpoint},
	"AWS::EC2::Instance": {create: createInstance, ignored: []string{
		"ImageId", "InstanceType", "IamInstanceProfile", "MetadataOptions", "BlockDeviceMappings", "UserData", "Tags",
		"NetworkInterfaces[].DeviceIndex", "CreditSpecification", "Monitoring",
	}},
}

func createVPC(c *creation, p properties) (made, error) {
	vpc, err := c.EC2.CreateVPC(ec2.VPC{
		CIDR: p.text("CidrBlock"), DNSSupport: p.flag("EnableDnsSupport"), DNSHostnames: p.flag("EnableDnsHostnames"),
		Tags: tagList(p.tags("Tags")),
	})
	remove := func() error { return unlessMissing(c.EC2.DeleteVPC(vpc.ID)) }
	return made{ref: vpc.ID, attributes: map[string]any{"VpcId": vpc.ID, "CidrBlock": vpc.CIDR, "DefaultNetworkAcl": c.EC2.DefaultACL(vpc.ID)}, remove: remove}, err
}

func createInternetGateway(c *creation, _ properties) (made, error) {
	gateway, err := c.EC2.CreateInternetGateway("")
	remove := func() error { return unlessMissing(c.EC2.DeleteInternetGateway(gateway.ID)) }
	return made{ref: gateway.ID, attributes: map[string]any{"InternetGatewayId": gateway.ID}, remove: remove}, err
}

func attachInternetGateway(c *creation, p properties) (made, error) {
	gateway, vpc := p.text("InternetGatewayId"), p.text("VpcId")
	remove := func() error { return unlessMissing(c.EC2.DetachInternetGateway(gateway, vpc)) }
	return made{ref: "IGW|" + vpc, remove: remove}, c.EC2.AttachInternetGateway(gateway, vpc)
}

func createSubnet(c *creation, p properties) (made, error) {
	subnet, err := c.EC2.CreateSubnet(ec2.Subnet{
		VPCID: p.text("VpcId"), CIDR: p.text("CidrBlock"), Zone: p.text("AvailabilityZone"),
		MapPublicIPOnLaunch: p.flag("MapPublicIpOnLaunch"), Tags: tagList(p.tags("Tags")),
	})
	return made{ref: subnet.ID, attributes: map[string]any{
		"SubnetId": subnet.ID, "VpcId": subnet.VPCID, "AvailabilityZone": subnet.Zone, "CidrBlock": subnet.CIDR,
	}, remove: func() error { return unlessMissing(c.EC2.DeleteSubnet(subnet.ID)) }}, err
}

func createRouteTable(c *creation, p properties) (made, error) {
	table, err := c.EC2.CreateRouteTable(p.text("VpcId"))
	remove := func() error { return unlessMissing(c.EC2.DeleteRouteTable(table.ID)) }
	return made{ref: table.ID, attributes: map[string]any{"RouteTableId": table.ID}, remove: remove}, err
}

func createRoute(c *creation, p properties) (made, error) {
	table, cidr := p.text("RouteTableId"), p.text("DestinationCidrBlock")
	remove := func() error { return unlessMissing(c.EC2.DeleteRoute(table, cidr)) }
	return made{ref: table + "|" + cidr, attributes: map[string]any{"CidrBlock": cidr}, remove: remove},
		c.EC2.CreateRoute(table, cidr, p.text("GatewayId"))
}

func associateRouteTable(c *creation, p properties) (made, error) {
	association, err := c.EC2.AssociateRouteTable(p.text("RouteTableId"), p.text("SubnetId"))
	remove := func() error { return unlessMissing(c.EC2.DisassociateRouteTable(association.ID)) }
	return made{ref: association.ID, attributes: map[string]any{"Id": association.ID}, remove: remove}, err
}

func createInstance(c *creation, p properties) (made, error) {
	i := ec2.Instance{SubnetID: p.text("SubnetId"), GroupIDs: p.texts("SecurityGroupIds")}
	for _, network := range p.objects("NetworkInterfaces") {
		i.SubnetID, i.GroupIDs = network.text("SubnetId"), network.texts("GroupSet")
		i.AssociatePublicIP = network.flag("AssociatePublicIpAddress")
	}
	i, err := c.EC2.CreateInstance(i)
	return made{ref: i.ID, attributes: map[string]any{
		"InstanceId": i.ID, "PrivateIp": i.PrivateIP, "PublicIp": i.PublicIP,
	}, remove: func() error { return unlessMissing(c.EC2.TerminateInstance(i.ID)) }}, err
}

// unlessMissing returns err, or nil if its code means that the resource does not exist.
func unlessMissing(err error) error {
	if code := code(err); strings.HasSuffix(code, ".NotFound") || code == "Gateway.NotAttached" {
		return nil
	}
	return err
}

func tagList(tags map[string]string) []ec2.Tag {
	var list []ec2.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, ec2.Tag{Key: key, Value: tags[key]})
	}
	return list
}

func or(s, fallback string) string {
	if strings.TrimSpace(s) == "" {
		return fallback
	}
	return s
}
