package samtemplate

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// functionType is the only type whose Globals are supported.
const functionType = "AWS::Serverless::Function"

// globalProperties are the properties that Globals may set for functions.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
var globalProperties = strings.Fields(`Handler Runtime CodeUri DeadLetterQueue Description MemorySize
	Timeout VpcConfig Environment Tags PropagateTags Tracing KmsKeyArn AutoPublishAlias
	AutoPublishAliasAllProperties Layers DeploymentPreference RolePath PermissionsBoundary
	ReservedConcurrentExecutions ProvisionedConcurrencyConfig AssumeRolePolicyDocument EventInvokeConfig
	FileSystemConfigs CodeSigningConfigArn Architectures SnapStart EphemeralStorage FunctionUrlConfig
	RuntimeManagementConfig LoggingConfig RecursiveLoop SourceKMSKeyArn`)

// mergeGlobals adds the properties in Globals to each function that does not set them.
func (t *Template) mergeGlobals(section place) error {
	sections, err := section.only("Function")
	if err != nil {
		return err
	}
	function, ok := sections["Function"]
	if !ok {
		return nil
	}
	if _, err := function.only(globalProperties...); err != nil {
		return err
	}
	for _, r := range t.resources {
		if r.Type != functionType {
			continue
		}
		own := r.properties
		if own.Node == nil {
			own = place{&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: function.Line}, "Resources." + r.LogicalID + ".Properties"}
		}
		r.properties = merge(function, own)
	}
	return nil
}

// merge adds to own what it lacks of global: mappings are merged, lists are joined with global's elements first, and
// all other values remain own's. A function (Ref, Fn::Sub …) counts as a scalar.
func merge(global, own place) place {
	_, _, globalFunction := global.function()
	_, _, ownFunction := own.function()
	if globalFunction || ownFunction || global.Kind != own.Kind {
		return own
	}
	merged := *own.Node
	switch own.Kind {
	case yaml.SequenceNode:
		merged.Content = slices.Concat(global.Content, own.Content)
	case yaml.MappingNode:
		merged.Content = mergeMembers(global, own)
	}
	return place{&merged, own.path}
}

// mergeMembers returns the names and values of both mappings, global's first.
func mergeMembers(global, own place) []*yaml.Node {
	at := func(p place, name string) int {
		for i := 0; i < len(p.Content); i += 2 {
			if p.Content[i].Value == name {
				return i
			}
		}
		return -1
	}
	var content []*yaml.Node
	for i := 0; i < len(global.Content); i += 2 {
		name, value := global.Content[i], global.Content[i+1]
		if j := at(own, name.Value); j >= 0 {
			value = merge(place{value, own.path}, place{own.Content[j+1], own.path}).Node
		}
		content = append(content, name, value)
	}
	for i := 0; i < len(own.Content); i += 2 {
		if at(global, own.Content[i].Value) < 0 {
			content = append(content, own.Content[i], own.Content[i+1])
		}
	}
	return content
}
