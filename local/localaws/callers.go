package localaws

import (
	"path"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// otherAccount is a second account.
const otherAccount = "444455556666"

// Admin returns a user of the account who may do everything. The stacks are deployed on behalf of this user.
func (c *Cloud) Admin() api.Caller { return c.admin }

// Root returns the account's root user.
func (c *Cloud) Root() api.Caller {
	base := c.Gate.Options()
	caller := c.Admin()
	caller.Principal = "arn:" + base.Partition + ":iam::" + base.Account + ":root"
	return caller
}

// Stranger returns an anonymous caller.
func (c *Cloud) Stranger() api.Caller { return api.Caller{} }

// OtherAccount returns a user of another account, to whom that account's policies allow everything.
func (c *Cloud) OtherAccount() api.Caller {
	caller := c.Admin()
	caller.Principal, caller.Account = "arn:"+c.Gate.Options().Partition+":iam::"+otherAccount+":user/neighbour", otherAccount
	return caller
}

// Deployer returns CloudFormation as a caller on behalf of [Cloud.Admin] (docs/facts.md, CloudTrail through EventBridge).
func (c *Cloud) Deployer() api.Caller {
	caller := c.Admin()
	caller.InvokedBy = "cloudformation.amazonaws.com"
	return caller
}

// accessKey is a caller's access key.
type accessKey struct{ id, secret string }

// accessKey returns the caller's access key, always the same one.
func (c *Cloud) accessKey(caller api.Caller) accessKey {
	name := caller.Principal + " " + caller.InvokedBy
	c.mu.Lock()
	defer c.mu.Unlock()
	key, ok := c.keys[name]
	if !ok {
		key.id, key.secret = c.Gate.Credentials(caller)
		c.keys[name] = key
	}
	return key
}

// roleCredentials returns the access key of a function's role session.
func (c *Cloud) roleCredentials(roleARN, session string) (accessKeyID, secretAccessKey string) {
	key := c.accessKey(c.IAM.Session(path.Base(roleARN), session))
	return key.id, key.secret
}
