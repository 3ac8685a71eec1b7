package iampolicy_test

import (
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

func TestMergeKeepsWhatOpensNothing(t *testing.T) {
	const (
		everyone = `{"Sid":"Everyone","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}`
		report   = `{"Sid":"Report","Effect":"Deny","Principal":"*","Action":"s3:PutBucketLogging","Resource":"arn:aws:s3:::docs"}`
		account  = `{"Sid":"Account","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/*"}`
		folder   = `{"Sid":"Folder","Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/${aws:username}/*"}`
	)
	sids := func(document string) string {
		var list []string
		for _, v := range mustParse(t, document).Views() {
			list = append(list, v.Title)
		}
		return strings.Join(list, " ")
	}
	const lock = "DenyPlainHTTP DenyObjectsOutsideEndpoint DenyDeletingOutsideEndpoint DenyListingOutsideEndpoint DenyStrangers DenyListingToStrangers"
	for name, c := range map[string]struct{ live, want string }{
		"no policy":                   {"", lock},
		"not a policy":                {"{", lock},
		"the lock itself":             {desiredBucket, lock},
		"what opens":                  {statements(everyone), lock},
		"what opens nothing":          {statements(report, account), "Report Account " + lock},
		"both":                        {statements(everyone, report), "Report " + lock},
		"a part of the lock":          {statements(report, strings.Replace(plainHTTP, "DenyPlainHTTP", "TLS", 1)), "Report TLS " + strings.TrimPrefix(lock, "DenyPlainHTTP ")},
		"the same Sid":                {statements(strings.Replace(report, "Report", "DenyStrangers", 1)), lock},
		"a Sid that the lock had":     {statements(report, strings.Replace(report, "Report", "DenyFormer", 1)), "Report " + lock},
		"a variable":                  {statements(folder), "Folder " + lock},
		"what is no variable in 2008": {strings.Replace(statements(folder, report), "2012-10-17", "2008-10-17", 1), "Report " + lock},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := iampolicy.Merge([]byte(desiredBucket), []byte(desiredBucket), []byte(c.live), []string{"DenyFormer"}, forbiddenOnBucket)
			if err != nil || sids(got) != c.want {
				t.Fatalf("Merge = %s, %v, want %s", got, err, c.want)
			}
			if j := iampolicy.Judge([]byte(desiredBucket), []byte(got), listed(forbiddenOnBucket)); j.Verdict == iampolicy.Open {
				t.Errorf("%s is open: %s", got, j.Allowed)
			}
		})
	}
	for _, c := range [][2]string{{"{", desiredBucket}, {desiredBucket, "{"}} {
		if got, err := iampolicy.Merge([]byte(c[0]), []byte(c[1]), nil, nil, forbiddenOnBucket); err == nil {
			t.Errorf("Merge of a lock that is no policy = %s, want an error", got)
		}
	}
}
