package iampolicy_test

import "testing"

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func TestPolicyVariables(t *testing.T) {
	read := func(resource string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + resource + `"}}`
	}
	when := func(effect, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"},{"Effect":"` + effect + `","Action":"s3:GetObject","Resource":"*","Condition":{` + condition + `}}]}`
	}
	team := map[string][]string{"aws:PrincipalTag/team": {"yellow"}}
	const home = "arn:aws:s3:::docs/home/alice/x"
	check(t, map[string]request{
		"in a resource":                       {by: alice, on: home, identity: identity(read("arn:aws:s3:::docs/home/${aws:username}/*")), want: allow},
		"somebody else's":                     {by: "arn:aws:iam::111122223333:user/bob", on: home, identity: identity(read("arn:aws:s3:::docs/home/${aws:username}/*")), want: deny},
		"names ignore case":                   {by: alice, on: home, identity: identity(read("arn:aws:s3:::docs/home/${AWS:UserName}/*")), want: allow},
		"without a value matches no resource": {by: session, on: "arn:aws:s3:::docs/home//x", identity: identity(read("arn:aws:s3:::docs/home/${aws:username}/*")), want: deny},
		"beside a resource that matches":      {by: session, on: home, identity: identity(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::docs/${aws:username}","arn:aws:s3:::docs/home/*"]}}`), want: allow},
		"without a value in a Deny's":         {by: session, on: home, bucket: statements(`{"Effect":"Deny","Principal":"*","Action":"s3:*","NotResource":"arn:aws:s3:::docs/home/${aws:username}/*"}`), identity: identity(fullIdentity), want: undecided},
		"beside one that is left out":         {by: session, on: home, bucket: statements(`{"Effect":"Deny","Principal":"*","Action":"s3:*","NotResource":["arn:aws:s3:::docs/home/${aws:username}/*","arn:aws:s3:::docs/*"]}`), identity: identity(fullIdentity), want: allow},
		"without a value in NotResource":      {by: session, on: home, identity: identity(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::docs/home/${aws:username}/*"}}`), want: allow},
		"in NotResource":                      {by: alice, on: home, identity: identity(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::docs/home/${aws:username}/*"}}`), want: deny},
		"literal in version 2008-10-17":       {by: alice, on: home, identity: identity(`{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::docs/home/${aws:username}/*"}}`), want: deny},
		"literal without a version":           {by: alice, on: "arn:aws:s3:::docs/${aws:username}", identity: identity(`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::docs/${aws:username}"}}`), want: allow},
		"a tag":                               {by: alice, on: "arn:aws:s3:::docs-yellow/x", context: team, identity: identity(read("arn:aws:s3:::docs-${aws:PrincipalTag/team, 'company-wide'}/*")), want: allow},
		"a default value":                     {by: alice, on: "arn:aws:s3:::docs-company-wide/x", identity: identity(read("arn:aws:s3:::docs-${aws:PrincipalTag/team, 'company-wide'}/*")), want: allow},
		"no default where there is a value":   {by: alice, on: "arn:aws:s3:::docs-company-wide/x", context: team, identity: identity(read("arn:aws:s3:::docs-${aws:PrincipalTag/team, 'company-wide'}/*")), want: deny},
		"several in one text":                 {by: alice, on: "arn:aws:s3:::docs/111122223333/alice", identity: identity(read("arn:aws:s3:::docs/${aws:PrincipalAccount}/${aws:username}")), want: allow},
		"${*} is an asterisk":                 {by: alice, on: "arn:aws:s3:::docs/a*b", identity: identity(read("arn:aws:s3:::docs/a${*}b")), want: allow},
		"${*} is no wildcard":                 {by: alice, on: "arn:aws:s3:::docs/aab", identity: identity(read("arn:aws:s3:::docs/a${*}b")), want: deny},
		"${?} is a question mark":             {by: alice, on: "arn:aws:s3:::docs/a?b", identity: identity(read("arn:aws:s3:::docs/a${?}b")), want: allow},
		"${$} is a dollar sign":               {by: alice, on: "arn:aws:s3:::docs/a${x}", identity: identity(read("arn:aws:s3:::docs/a${$}{x}")), want: allow},
		"a value's * is no wildcard":          {by: alice, on: "arn:aws:s3:::docs/anything", context: map[string][]string{"aws:PrincipalTag/team": {"*"}}, identity: identity(read("arn:aws:s3:::docs/${aws:PrincipalTag/team}")), want: deny},
		"several values cannot be a variable": {by: alice, on: "arn:aws:s3:::docs/a", context: map[string][]string{"aws:TagKeys": {"a", "b"}}, identity: identity(read("arn:aws:s3:::docs/${aws:TagKeys}")), want: undecided},
		"in StringEquals":                     {by: alice, context: map[string][]string{"s3:prefix": {"alice"}}, identity: identity(when("Allow", `"StringEquals":{"s3:prefix":"${aws:username}"}`)), want: allow},
		"in StringLike":                       {by: alice, context: map[string][]string{"s3:prefix": {"home/alice/x"}}, identity: identity(when("Allow", `"StringLike":{"s3:prefix":["","home/${aws:username}/*"]}`)), want: allow},
		"in ArnLike":                          {by: alice, context: map[string][]string{"aws:SourceArn": {"arn:aws:sns:eu-central-1:1:alice"}}, identity: identity(when("Allow", `"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:${aws:username}"}`)), want: allow},
		"without a value equals nothing":      {by: session, context: map[string][]string{"s3:prefix": {""}}, identity: identity(when("Allow", `"StringEquals":{"s3:prefix":"${aws:username}"}`)), want: deny},
		"without a value, negated, matches":   {by: session, context: map[string][]string{"s3:ExistingObjectTag/Team": {"red"}}, identity: identity(mayRead, when("Deny", `"StringNotEquals":{"s3:ExistingObjectTag/Team":"${aws:PrincipalTag/Team}"}`)), want: deny},
		"with the same value, negated":        {by: alice, context: map[string][]string{"s3:ExistingObjectTag/Team": {"yellow"}, "aws:PrincipalTag/TEAM": {"yellow"}}, identity: identity(mayRead, when("Deny", `"StringNotEquals":{"s3:ExistingObjectTag/Team":"${aws:PrincipalTag/Team}"}`)), want: allow},
		"the account in a resource's account": {by: alice, identity: identity(mayRead, when("Deny", `"StringNotEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}`)), want: allow},
		"the account of somebody else":        {by: stranger, bucket: allowTo(`"Principal":"*"`), identity: identity(mayRead, when("Deny", `"StringNotEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}`)), want: deny},
	})
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principal-properties
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
func TestKeysThatFollowFromThePrincipal(t *testing.T) {
	only := func(condition string) string {
		return statements(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{` + condition + `}}`)
	}
	check(t, map[string]request{
		"aws:PrincipalArn of a user":              {by: alice, bucket: only(`"ArnEquals":{"aws:PrincipalArn":"` + alice + `"}`), want: allow},
		"aws:PrincipalArn of a session is a role": {by: session, bucket: only(`"ArnEquals":{"aws:PrincipalArn":"` + app + `"}`), want: allow},
		"aws:PrincipalArn is not the session":     {by: session, bucket: only(`"ArnEquals":{"aws:PrincipalArn":"` + session + `"}`), want: deny},
		"aws:PrincipalArn as given":               {by: session, context: map[string][]string{"aws:PrincipalArn": {"arn:aws:iam::111122223333:role/path/app"}}, bucket: only(`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/path/app"}`), want: allow},
		"aws:PrincipalArn of root is root only":   {by: alice, bucket: only(`"ArnEquals":{"aws:PrincipalArn":"` + root + `"}`), want: deny},
		"aws:PrincipalArn of nobody is missing":   {by: nobody, bucket: only(`"Null":{"aws:PrincipalArn":"true"}`), want: allow},
		"aws:PrincipalAccount":                    {by: session, bucket: only(`"StringEquals":{"aws:PrincipalAccount":"111122223333"}`), want: allow},
		"aws:PrincipalAccount of nobody":          {by: nobody, bucket: only(`"StringEquals":{"aws:PrincipalAccount":"anonymous"}`), want: allow},
		"aws:PrincipalType of a user":             {by: alice, bucket: only(`"StringEquals":{"aws:PrincipalType":"User"}`), want: allow},
		"aws:PrincipalType of a session":          {by: session, bucket: only(`"StringEquals":{"aws:PrincipalType":"AssumedRole"}`), want: allow},
		"aws:PrincipalType of a federated user":   {by: fedUser, bucket: only(`"StringEquals":{"aws:PrincipalType":"FederatedUser"}`), want: allow},
		"aws:PrincipalType of nobody":             {by: nobody, bucket: only(`"StringEquals":{"aws:PrincipalType":"Anonymous"}`), want: allow},
		"aws:PrincipalIsAWSService of a service":  {by: trail, bucket: only(`"Bool":{"aws:PrincipalIsAWSService":"true"}`), want: allow},
		"aws:PrincipalIsAWSService of a user":     {by: alice, bucket: only(`"Bool":{"aws:PrincipalIsAWSService":"false"}`), want: allow},
		"aws:PrincipalIsAWSService of nobody":     {by: nobody, bucket: only(`"Bool":{"aws:PrincipalIsAWSService":"false"}`), want: deny},
		"the same, if it exists":                  {by: nobody, bucket: only(`"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}`), want: allow},
		"aws:PrincipalServiceName":                {by: trail, bucket: only(`"StringEquals":{"aws:PrincipalServiceName":"cloudtrail.amazonaws.com"}`), want: allow},
		"aws:PrincipalServiceNamesList":           {by: trail, bucket: only(`"ForAnyValue:StringLike":{"aws:PrincipalServiceNamesList":"*.amazonaws.com"}`), want: allow},
		"aws:username of a user with a path":      {by: "arn:aws:iam::111122223333:user/eng/bob", bucket: only(`"StringEquals":{"aws:username":"bob"}`), want: allow},
		"aws:username of a session is missing":    {by: session, bucket: only(`"Null":{"aws:username":"true"}`), want: allow},
		"aws:userid of a federated user":          {by: fedUser, bucket: only(`"StringEquals":{"aws:userid":"111122223333:carol"}`), want: allow},
		"aws:userid of nobody":                    {by: nobody, bucket: only(`"StringEquals":{"aws:userid":"anonymous"}`), want: allow},
		"aws:ResourceAccount":                     {by: nobody, bucket: only(`"StringEquals":{"aws:ResourceAccount":"111122223333"}`), want: allow},
		"s3:ResourceAccount":                      {by: nobody, bucket: only(`"StringEquals":{"s3:ResourceAccount":"111122223333"}`), want: allow},
		"aws:SourceVpce from the internet":        {by: alice, bucket: statements(to("Allow", `"Principal":"*"`), `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}}`), want: deny},
		"aws:SourceVpce through the endpoint":     {by: alice, context: map[string][]string{"aws:sourcevpce": {"vpce-1"}}, bucket: statements(to("Allow", `"Principal":"*"`), `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}}`), want: allow},
	})
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notresource.html
func TestActionsAndResources(t *testing.T) {
	of := func(elements string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow",` + elements + `}}`
	}
	action := func(list string) []string { return identity(of(list + `,"Resource":"*"`)) }
	resource := func(list string) []string { return identity(of(`"Action":"*",` + list)) }
	const nested = "arn:aws:s3:::docs/1/2/test/3/object.jpg"
	check(t, map[string]request{
		"action":                           {by: alice, identity: action(`"Action":"s3:GetObject"`), want: allow},
		"action in another case":           {by: alice, identity: action(`"Action":"S3:getobject"`), want: allow},
		"request in another case":          {by: alice, action: "S3:GETOBJECT", identity: action(`"Action":"s3:GetObject"`), want: allow},
		"no prefix match":                  {by: alice, action: "s3:GetObjectVersion", identity: action(`"Action":"s3:GetObject"`), want: deny},
		"action with *":                    {by: alice, action: "s3:GetObjectVersion", identity: action(`"Action":"s3:Get*"`), want: allow},
		"action with * inside":             {by: alice, action: "s3:GetObjectVersionTagging", identity: action(`"Action":"s3:*Version*"`), want: allow},
		"action with ?":                    {by: alice, identity: action(`"Action":"s3:?etObject"`), want: allow},
		"all actions":                      {by: alice, identity: action(`"Action":"*"`), want: allow},
		"another service's actions":        {by: alice, identity: action(`"Action":"sns:*"`), want: deny},
		"NotAction covers the rest":        {by: alice, identity: action(`"NotAction":"s3:PutObject"`), want: allow},
		"NotAction leaves out":             {by: alice, identity: action(`"NotAction":["iam:*","s3:GET*"]`), want: deny},
		"NotAction in a Deny":              {by: alice, identity: identity(mayRead, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotAction":"s3:PutObject","Resource":"*"}}`), want: deny},
		"resource":                         {by: alice, identity: resource(`"Resource":"` + object + `"`), want: allow},
		"resource in another case":         {by: alice, identity: resource(`"Resource":"arn:aws:s3:::docs/Thankyou.txt"`), want: deny},
		"resource with *":                  {by: alice, on: nested, identity: resource(`"Resource":"arn:aws:s3:::docs/*"`), want: allow},
		"resource with * across slashes":   {by: alice, on: nested, identity: resource(`"Resource":"arn:aws:s3:::docs/*/test/*"`), want: allow},
		"* may stand for nothing":          {by: alice, on: "arn:aws:s3:::docs//test/", identity: resource(`"Resource":"arn:aws:s3:::docs/*/test/*"`), want: allow},
		"a slash is a slash":               {by: alice, on: "arn:aws:s3:::docs/test/object.jpg", identity: resource(`"Resource":"arn:aws:s3:::docs/*/test/*"`), want: deny},
		"a part of a name is not the name": {by: alice, on: "arn:aws:s3:::docs/1-test/object.jpg", identity: resource(`"Resource":"arn:aws:s3:::docs/*/test/*"`), want: deny},
		"* across colons":                  {by: alice, on: "arn:aws:s3:::docs/a:b", identity: resource(`"Resource":"arn:aws:s3:*"`), want: allow},
		"* across colons of a key":         {by: alice, on: "arn:aws:s3:::docs/a:b:z", identity: resource(`"Resource":"arn:aws:s3:::docs/a*z"`), want: allow},
		"resource with ?":                  {by: alice, on: "arn:aws:s3:::docs/ä", identity: resource(`"Resource":"arn:aws:s3:::docs/?"`), want: allow},
		"the bucket is not its objects":    {by: alice, identity: resource(`"Resource":"arn:aws:s3:::docs"`), want: deny},
		"its objects are not the bucket":   {by: alice, on: bucket, action: "s3:ListBucket", identity: resource(`"Resource":"arn:aws:s3:::docs/*"`), want: deny},
		"a prefix takes longer names in":   {by: alice, on: "arn:aws:s3:::docs-archive/x", identity: resource(`"Resource":"arn:aws:s3:::docs*"`), want: allow},
		"one of several resources":         {by: alice, identity: resource(`"Resource":["arn:aws:s3:::other/*","arn:aws:s3:::docs/*"]`), want: allow},
		"NotResource covers the rest":      {by: alice, identity: resource(`"NotResource":"arn:aws:s3:::other/*"`), want: allow},
		"NotResource leaves out":           {by: alice, identity: resource(`"NotResource":["arn:aws:s3:::other/*","arn:aws:s3:::docs/*"]`), want: deny},
		"an action without a resource":     {by: alice, on: "*", action: "s3:ListAllMyBuckets", identity: resource(`"Resource":"*"`), want: allow},
		"another partition":                {by: alice, on: "arn:aws-cn:s3:::docs/x", identity: resource(`"Resource":"arn:aws:s3:::docs/*"`), want: deny},
		"every partition":                  {by: alice, on: "arn:aws-cn:s3:::docs/x", identity: resource(`"Resource":"arn:*:s3:::docs/*"`), want: allow},
	})
}
