package ec2

import (
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/query"
)

// describedGroup is a security group in the answer of DescribeSecurityGroups.
type describedGroup struct {
	SecurityGroup
	Ingress []permission `xml:"ipPermissions>item"`
	Egress  []permission `xml:"ipPermissionsEgress>item"`
}

// describedGroups returns all security groups with their permissions.
func (st *state) describedGroups() table[describedGroup] {
	var described table[describedGroup]
	for _, g := range st.groups.all(nil) {
		rules := st.rulesOf(g.ID)
		described.put(g.ID, describedGroup{g, permissions(rules, false), permissions(rules, true)})
	}
	return described
}

func (s *Service) decodeDescribeSecurityGroups(c call) *api.Operation {
	list := listing[describedGroup]{ids: "GroupId", missing: noGroup, filters: func(g describedGroup) (attributes, []Tag) {
		return attributes{
			"group-id": {g.ID}, "group-name": {g.Name}, "vpc-id": {g.VPCID}, "description": {g.Description}, "owner-id": {g.Owner},
		}, g.Tags
	}}
	return &api.Operation{Needs: s.readNeed("DescribeSecurityGroups"), Do: func() (*api.Response, error) {
		found, err := list.describe(s.seen(c.request).describedGroups(), c.params)
		if err != nil {
			return nil, err
		}
		return c.answer(struct {
			Items []describedGroup `xml:"securityGroupInfo>item"`
			Token string           `xml:"nextToken,omitempty"`
		}(found))
	}}
}

// describedRule is a rule in an answer.
type describedRule struct {
	Rule
	// Referenced is set only if the rule references a group.
	Referenced *groupPeer `xml:"referencedGroupInfo"`
}

// describedRules returns rules for an answer.
func describedRules(rules []Rule) []describedRule {
	var described []describedRule
	for _, r := range rules {
		d := describedRule{Rule: r}
		if r.ReferencedGroup != "" {
			d.Referenced = &groupPeer{ID: r.ReferencedGroup, Owner: r.Owner}
		}
		described = append(described, d)
	}
	return described
}

func (s *Service) decodeDescribeSecurityGroupRules(c call) *api.Operation {
	list := listing[Rule]{ids: "SecurityGroupRuleId", missing: noRule, filters: func(r Rule) (attributes, []Tag) {
		return attributes{"group-id": {r.GroupID}, "security-group-rule-id": {r.ID}}, nil
	}}
	return &api.Operation{Needs: s.readNeed("DescribeSecurityGroupRules"), Do: func() (*api.Response, error) {
		found, err := list.describe(s.seen(c.request).rules, c.params)
		if err != nil {
			return nil, err
		}
		return c.answer(struct {
			Items []describedRule `xml:"securityGroupRuleSet>item"`
			Token string          `xml:"nextToken,omitempty"`
		}{describedRules(found.Items), found.Token})
	}}
}

func (s *Service) decodeCreateSecurityGroup(c call) *api.Operation {
	needs := []api.Need{s.need("CreateSecurityGroup", "security-group", "*"), s.need("CreateSecurityGroup", "vpc", c.params["VpcId"])}
	return &api.Operation{Needs: needs, Trail: c.camelTrail(), Do: func() (*api.Response, error) {
		g, err := s.CreateSecurityGroup(SecurityGroup{
			VPCID: c.params["VpcId"], Name: c.params["GroupName"], Description: c.params["GroupDescription"],
		})
		if err != nil {
			return nil, err
		}
		return c.answer(struct {
			Return bool   `xml:"return"`
			ID     string `xml:"groupId"`
		}{true, g.ID})
	}}
}

// direction returns the suffix of the names of calls about one direction.
func direction(egress bool) string {
	if egress {
		return "Egress"
	}
	return "Ingress"
}

// rulesTrail returns the record of a call about a group's rules. It always contains the list of permissions.
func (c call) rulesTrail() *api.Trail {
	trail := c.camelTrail()
	if fields, ok := trail.RequestParameters.(map[string]any); ok && fields["ipPermissions"] == nil {
		fields["ipPermissions"] = map[string]any{}
	}
	return trail
}

// rulesResponse returns the changed rules for such a record.
func (c call) rulesResponse(name string, rules []Rule) any {
	return map[string]any{"requestId": c.request.ID, "_return": true, name: items(rules, recordedRule)}
}

// recordedRule returns a rule as CloudTrail records it.
func recordedRule(r Rule) any {
	fields := map[string]any{
		"groupOwnerId": r.Owner, "groupId": r.GroupID, "securityGroupRuleId": r.ID, "isEgress": r.Egress,
		"ipProtocol": r.Protocol, "fromPort": r.FromPort, "toPort": r.ToPort,
	}
	for name, value := range map[string]string{
		"cidrIpv4": r.CIDR, "cidrIpv6": r.CIDR6, "prefixListId": r.PrefixListID, "description": r.Description,
	} {
		if value != "" {
			fields[name] = value
		}
	}
	if r.ReferencedGroup != "" {
		fields["referencedGroupInfo"] = map[string]any{"groupId": r.ReferencedGroup, "userId": r.Owner}
	}
	return fields
}

func (s *Service) decodeAuthorize(egress bool) decoder {
	return func(c call) *api.Operation {
		groupID, trail := c.params["GroupId"], c.rulesTrail()
		needs := []api.Need{s.need("AuthorizeSecurityGroup"+direction(egress), "security-group", groupID)}
		return &api.Operation{Needs: needs, Trail: trail, Do: func() (*api.Response, error) {
			rules := sentRules(c.params, egress)
			if len(rules) == 0 {
				return nil, noRules()
			}
			added, err := s.Authorize(groupID, rules...)
			if err != nil {
				return nil, err
			}
			trail.ResponseElements = c.rulesResponse("securityGroupRuleSet", added)
			return c.answer(struct {
				Return bool            `xml:"return"`
				Rules  []describedRule `xml:"securityGroupRuleSet>item"`
			}{true, describedRules(added)})
		}}
	}
}

func (s *Service) decodeRevoke(egress bool) decoder {
	return func(c call) *api.Operation {
		groupID, trail := c.params["GroupId"], c.rulesTrail()
		needs := []api.Need{s.need("RevokeSecurityGroup"+direction(egress), "security-group", groupID)}
		return &api.Operation{Needs: needs, Trail: trail, Do: func() (*api.Response, error) {
			revoked, err := s.revoke(groupID, egress, c.params)
			if err != nil {
				return nil, err
			}
			trail.ResponseElements = c.rulesResponse("revokedSecurityGroupRuleSet", revoked)
			return c.answer(struct {
				Return bool          `xml:"return"`
				Rules  []revokedRule `xml:"revokedSecurityGroupRuleSet>item"`
			}{true, revokedRules(revoked)})
		}}
	}
}

// revokedRule is a rule in the answer to a revocation, which has a separate field for a referenced group.
type revokedRule struct {
	Rule
	ReferencedGroupID string `xml:"referencedGroupId,omitempty"`
}

// revokedRules returns rules for the answer to a revocation.
func revokedRules(rules []Rule) []revokedRule {
	var revoked []revokedRule
	for _, r := range rules {
		revoked = append(revoked, revokedRule{r, r.ReferencedGroup})
	}
	return revoked
}

// revoke removes the rules that a call gives by id or by content.
func (s *Service) revoke(groupID string, egress bool, params query.Params) ([]Rule, error) {
	ids, rules := params.List("SecurityGroupRuleId"), sentRules(params, egress)
	switch {
	case len(ids) > 0 && len(rules) > 0:
		return nil, refuse("InvalidParameterCombination", "Rules are to be named by id or by what they say, not both.")
	case len(ids) > 0:
		return s.RevokeByID(groupID, egress, ids...)
	case len(rules) > 0:
		return s.Revoke(groupID, rules...)
	}
	return nil, noRules()
}

// noRules returns the error for a call without rules.
func noRules() *api.Error {
	return refuse("MissingParameter", "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.")
}

func (s *Service) decodeModifySecurityGroupRules(c call) *api.Operation {
	groupID, trail := c.params["GroupId"], c.wrappedTrail()
	updates := c.params.Structs("SecurityGroupRule")
	needs := []api.Need{s.need("ModifySecurityGroupRules", "security-group", groupID)}
	for _, update := range updates {
		needs = append(needs, s.need("ModifySecurityGroupRules", "security-group-rule", update["SecurityGroupRuleId"]))
	}
	return &api.Operation{Needs: needs, Trail: trail, Do: func() (*api.Response, error) {
		err := s.update(func(st *state) error {
			for _, update := range updates {
				if err := s.modifyRule(st, groupID, update); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		trail.ResponseElements = c.wrappedResponse(map[string]any{"return": true})
		return c.succeeded()
	}}
}

// modifyRule changes an existing rule. It keeps the direction.
func (s *Service) modifyRule(st *state, groupID string, update query.Params) error {
	id := update["SecurityGroupRuleId"]
	old, ok := st.rules.get(id)
	if !ok || old.GroupID != groupID {
		return noRule(id)
	}
	sent := update.Struct("SecurityGroupRule")
	rule, err := Rule{
		Egress: old.Egress, Protocol: sent["IpProtocol"], FromPort: sent.Int("FromPort", -1), ToPort: sent.Int("ToPort", -1),
		CIDR: sent["CidrIpv4"], CIDR6: sent["CidrIpv6"], PrefixListID: sent["PrefixListId"],
		ReferencedGroup: sent["ReferencedGroupId"], Description: sent["Description"],
	}.normal(st)
	if err != nil {
		return err
	}
	rule.ID, rule.GroupID, rule.Owner = id, groupID, s.options.Account
	for _, other := range st.rules.all(rule.same) {
		if other.ID != id {
			return refuse("InvalidPermission.Duplicate", "the specified rule %q already exists", rule)
		}
	}
	st.rules.put(id, rule)
	return nil
}
