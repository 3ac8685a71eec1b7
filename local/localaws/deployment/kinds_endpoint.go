package deployment

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"

	"example.com/s3-endpoint-guard/local/localaws/ec2"
)

// createEndpoint creates a VPC endpoint through the API call, so that CloudTrail records it.
func createEndpoint(c *creation, p properties) (made, error) {
	form := endpointForm(p)
	form.Set("Action", "CreateVpcEndpoint")
	body, err := c.perform(c.EC2, "POST", "/", form.Encode())
	if err != nil {
		return made{}, err
	}
	var answer struct {
		ID string `xml:"vpcEndpoint>vpcEndpointId"`
	}
	if err := xml.Unmarshal(body, &answer); err != nil {
		return made{}, err
	}
	return c.madeEndpoint(answer.ID), nil
}

func (c *creation) madeEndpoint(id string) made {
	remove := func() error {
		form := url.Values{"Action": {"DeleteVpcEndpoints"}, "VpcEndpointId.1": {id}}
		_, err := c.perform(c.EC2, "POST", "/", form.Encode())
		return err
	}
	update := func(p properties) (made, error) { return c.updateEndpoint(id, p) }
	return made{ref: id, attributes: map[string]any{"Id": id}, remove: remove, update: update}
}

// updateEndpoint changes the properties that the template can change without replacement of the endpoint: its policy and
// its security groups.
func (c *creation) updateEndpoint(id string, p properties) (made, error) {
	live, ok := c.EC2.Endpoint(id)
	wanted := endpointForm(p)
	if !ok || !sameEndpoint(live, wanted) {
		return made{}, fmt.Errorf("the local AWS updates nothing of a VPC endpoint but its policy and its security groups")
	}
	form := url.Values{"Action": {"ModifyVpcEndpoint"}, "VpcEndpointId": {id}, "PolicyDocument": wanted["PolicyDocument"]}
	groups := p.texts("SecurityGroupIds")
	numbered(form, "AddSecurityGroupId", without(groups, live.GroupIDs))
	numbered(form, "RemoveSecurityGroupId", without(live.GroupIDs, groups))
	_, err := c.perform(c.EC2, "POST", "/", form.Encode())
	return c.madeEndpoint(id), err
}

// without returns the elements of a list that another list does not contain.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

// numbered adds a list to a form, in the format of EC2's query protocol.
func numbered(form url.Values, name string, list []string) {
	for i, value := range list {
		form.Set(fmt.Sprintf("%s.%d", name, i+1), value)
	}
}

func sameEndpoint(live ec2.Endpoint, wanted url.Values) bool {
	return live.VPCID == wanted.Get("VpcId") && live.Type == wanted.Get("VpcEndpointType") && live.ServiceName == wanted.Get("ServiceName")
}

// endpointForm returns the parameters of CreateVpcEndpoint.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html
func endpointForm(p properties) url.Values {
	form := url.Values{}
	for _, name := range []string{"VpcEndpointType", "VpcId", "ServiceName"} {
		form.Set(name, p.text(name))
	}
	if policy := p.document("PolicyDocument"); policy != "" {
		form.Set("PolicyDocument", policy)
	}
	if p.has("PrivateDnsEnabled") {
		form.Set("PrivateDnsEnabled", fmt.Sprint(p.flag("PrivateDnsEnabled")))
	}
	const dns = "PrivateDnsOnlyForInboundResolverEndpoint"
	if options := p.object("DnsOptions"); options.has(dns) {
		only := options.oneOf(dns, "AllResolvers", "OnlyInboundResolver") == "OnlyInboundResolver"
		form.Set("DnsOptions."+dns, fmt.Sprint(only))
	}
	for property, parameter := range map[string]string{
		"SubnetIds": "SubnetId", "SecurityGroupIds": "SecurityGroupId", "RouteTableIds": "RouteTableId",
	} {
		numbered(form, parameter, p.texts(property))
	}
	return form
}
