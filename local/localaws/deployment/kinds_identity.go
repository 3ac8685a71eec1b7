package deployment

import (
	"fmt"
	"maps"
	"slices"
)

// identityKinds are the types of AWS::IAM and AWS::KMS. Keys are only names here: they encrypt nothing.
var identityKinds = map[string]kind{
	"AWS::IAM::Role": {create: createRole, nameProperty: "RoleName", ignored: []string{
		"AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "Tags",
	}},
	"AWS::IAM::Policy":          {create: createPolicy},
	"AWS::IAM::InstanceProfile": {create: createInstanceProfile, nameProperty: "InstanceProfileName"},
	"AWS::KMS::Key": {create: createKey, ignored: []string{
		"Description", "EnableKeyRotation", "KeyPolicy", "KeySpec", "KeyUsage", "PendingWindowInDays", "Tags",
	}},
	"AWS::KMS::Alias": {create: createAlias, nameProperty: "AliasName", ignored: []string{"TargetKeyId"}},
}

func createRole(c *creation, p properties) (made, error) {
	return c.putRole(c.physicalName(p), p, nil)
}

// putRole sets a role to the properties. others are its inline policies from other resources.
func (c *creation) putRole(name string, p properties, others map[string]string) (made, error) {
	policies := maps.Clone(others)
	if policies == nil {
		policies = map[string]string{}
	}
	var own []string
	for _, policy := range p.objects("Policies") {
		own = append(own, policy.text("PolicyName"))
		policies[policy.text("PolicyName")] = policy.document("PolicyDocument")
	}
	role, err := c.IAM.CreateRoleAt(or(p.text("Path"), "/"), name, policies)
	if err != nil {
		return made{}, err
	}
	for _, managed := range p.texts("ManagedPolicyArns") {
		if err := c.IAM.AttachRolePolicy(name, managed); err != nil {
			return made{}, err
		}
	}
	return made{
		ref: name, attributes: map[string]any{"Arn": role.ARN, "RoleId": role.ID},
		remove: func() error { c.IAM.DeleteRole(name); return nil },
		update: func(p properties) (made, error) {
			others := c.IAM.RolePolicies(name)
			maps.DeleteFunc(others, func(policy, _ string) bool { return slices.Contains(own, policy) })
			return c.putRole(name, p, others)
		},
	}, nil
}

// createPolicy adds an inline policy to roles.
func createPolicy(c *creation, p properties) (made, error) {
	name, roles := p.text("PolicyName"), p.texts("Roles")
	document := p.document("PolicyDocument")
	for _, role := range roles {
		if err := c.IAM.PutRolePolicy(role, name, document); err != nil {
			return made{}, err
		}
	}
	remove := func() error {
		for _, role := range roles {
			c.IAM.DeleteRolePolicy(role, name)
		}
		return nil
	}
	return made{ref: c.name(), remove: remove, update: func(p properties) (made, error) { return createPolicy(c, p) }}, nil
}

func createInstanceProfile(c *creation, p properties) (made, error) {
	name := c.physicalName(p)
	for _, role := range p.texts("Roles") {
		if _, ok := c.IAM.Role(role); !ok {
			return made{}, fmt.Errorf("the role with name %s cannot be found", role)
		}
	}
	base := c.Gate.Options()
	arn := fmt.Sprintf("arn:%s:iam::%s:instance-profile%s%s", base.Partition, base.Account, or(p.text("Path"), "/"), name)
	return made{ref: name, attributes: map[string]any{"Arn": arn}, remove: c.named("instance profile", name)}, nil
}

func createKey(c *creation, _ properties) (made, error) {
	id := uuid(c.stack.ID() + c.resource.LogicalID)
	return made{ref: id, attributes: map[string]any{"Arn": c.KMS.Create(id), "KeyId": id}, remove: c.named("key", id),
		update: func(properties) (made, error) { return createKey(c, properties{}) }}, nil
}

func createAlias(c *creation, p properties) (made, error) {
	name := p.text("AliasName")
	return made{ref: name, remove: c.named("alias", name)}, nil
}
