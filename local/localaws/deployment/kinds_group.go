package deployment

import (
	"slices"

	"example.com/s3-endpoint-guard/local/localaws/ec2"
)

func createSecurityGroup(c *creation, p properties) (made, error) {
	return c.createGroup(or(p.text("GroupName"), c.name()), p)
}

func (c *creation) createGroup(name string, p properties) (made, error) {
	rules := inlineRules(p)
	group, err := c.EC2.CreateSecurityGroup(ec2.SecurityGroup{
		Name: name, Description: p.text("GroupDescription"), VPCID: p.text("VpcId"), Tags: tagList(p.tags("Tags")),
	}, rules...)
	return c.madeGroup(group, rules), err
}

// inlineRules returns the rules in a security group's properties.
func inlineRules(p properties) []ec2.Rule {
	var rules []ec2.Rule
	for _, ingress := range p.objects("SecurityGroupIngress") {
		rules = append(rules, groupRule(ingress, false))
	}
	for _, egress := range p.objects("SecurityGroupEgress") {
		rules = append(rules, groupRule(egress, true))
	}
	return rules
}

func (c *creation) madeGroup(group ec2.SecurityGroup, rules []ec2.Rule) made {
	remove := func() error { return unlessMissing(c.EC2.DeleteSecurityGroup(group.ID)) }
	return made{
		ref: group.ID, attributes: map[string]any{"GroupId": group.ID, "VpcId": group.VPCID}, remove: remove,
		update: func(p properties) (made, error) {
			if p.text("GroupDescription") == group.Description && p.text("VpcId") == group.VPCID {
				return c.updateGroup(group, rules, inlineRules(p))
			}
			// CloudFormation's names end in random characters, so that the new name does not conflict with the old one.
			m, err := c.createGroup(c.name()+"-"+group.ID, p)
			m.replaced = remove
			return m, err
		},
	}
}

// updateGroup changes a group's inline rules: it revokes the rules that only the previous template had, by their content,
// and authorises the new ones. A rule that does not exist any more is not an error (unproven).
func (c *creation) updateGroup(group ec2.SecurityGroup, before, after []ec2.Rule) (made, error) {
	for _, rule := range before {
		if slices.Contains(after, rule) {
			continue
		}
		if _, err := c.EC2.Revoke(group.ID, rule); unlessMissing(err) != nil {
			return made{}, err
		}
	}
	for _, rule := range after {
		if slices.Contains(before, rule) {
			continue
		}
		if _, err := c.EC2.Authorize(group.ID, rule); err != nil {
			return made{}, err
		}
	}
	return c.madeGroup(group, after), nil
}

// authorize returns the create function for a rule that is a separate resource. Such a rule is deleted by its id: if it was
// revoked and authorised again, it has another id, and remains.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroupingress.html
func authorize(egress bool) func(*creation, properties) (made, error) {
	return func(c *creation, p properties) (made, error) {
		group := p.text("GroupId")
		rules, err := c.EC2.Authorize(group, groupRule(p, egress))
		if err != nil {
			return made{}, err
		}
		id := rules[0].ID
		remove := func() error {
			_, err := c.EC2.RevokeByID(group, egress, id)
			return unlessMissing(err)
		}
		return made{ref: id, attributes: map[string]any{"Id": id}, remove: remove, update: func(p properties) (made, error) {
			m, err := authorize(egress)(c, p) // a change of a property, except the description, makes another rule
			m.replaced = remove
			return m, err
		}}, nil
	}
}

// groupRule reads one rule of a security group. The names of the properties for its peer depend on the direction.
func groupRule(p properties, egress bool) ec2.Rule {
	r := ec2.Rule{
		Egress: egress, Protocol: p.text("IpProtocol"), FromPort: -1, ToPort: -1,
		CIDR: p.text("CidrIp"), CIDR6: p.text("CidrIpv6"), Description: p.text("Description"),
	}
	if p.has("FromPort") {
		r.FromPort, r.ToPort = p.number("FromPort"), p.number("ToPort")
	}
	if egress {
		r.ReferencedGroup, r.PrefixListID = p.text("DestinationSecurityGroupId"), p.text("DestinationPrefixListId")
	} else {
		r.ReferencedGroup, r.PrefixListID = p.text("SourceSecurityGroupId"), p.text("SourcePrefixListId")
	}
	return r
}
