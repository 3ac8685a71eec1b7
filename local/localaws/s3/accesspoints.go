package s3

import (
	"encoding/xml"
	"net/http"
	"path"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// pointsPath is the path of S3 Control's requests about access points. They are only listed here: no request goes through one.
const pointsPath = "v20180820/accesspoint"

// accessPoint is an access point of a bucket of the same account.
type accessPoint struct{ name, bucket string }

// pointNeeds returns the permission to create an access point.
func (c *call) pointNeeds() []api.Need {
	return []api.Need{{
		Action: "s3:CreateAccessPoint", ResourceAccount: c.service.options.Account, Resource: c.service.pointARN(accessPoint{name: path.Base(c.key)}),
	}}
}

// listPointsNeeds returns the permission to list access points, which supports no resources.
func (c *call) listPointsNeeds() []api.Need {
	return []api.Need{{Action: "s3:ListAccessPoints", Resource: "*", ResourceAccount: c.service.options.Account}}
}

func (c *call) createAccessPoint() (*answer, error) {
	return c.ofOwnAccount(func(c *call) (*answer, error) {
		var in struct{ Bucket string }
		if err := xml.Unmarshal(c.Body, &in); err != nil || c.service.buckets[in.Bucket] == nil {
			return nil, refuse(http.StatusBadRequest, "InvalidRequest", "Bucket with name '"+in.Bucket+"' does not exist.")
		}
		p := accessPoint{path.Base(c.key), in.Bucket}
		c.service.points = append(c.service.points, p)
		return asXML(func(d *document) {
			d.root("CreateAccessPointResult")
			d.text("AccessPointArn", c.service.pointARN(p))
			d.close("CreateAccessPointResult")
		}), nil
	})
}

func (s *Service) pointARN(p accessPoint) string {
	return strings.Join([]string{"arn", s.options.Partition, "s3", s.options.Region, s.options.Account, "accesspoint/" + p.name}, ":")
}

// listAccessPoints lists the account's access points, or those of a bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListAccessPoints.html
func (c *call) listAccessPoints() (*answer, error) {
	return c.ofOwnAccount(func(c *call) (*answer, error) {
		of := c.query.Get("bucket")
		return asXML(func(d *document) {
			d.root("ListAccessPointsResult")
			d.open("AccessPointList")
			for _, p := range c.service.points {
				if of == "" || of == p.bucket {
					d.open("AccessPoint")
					d.text("Name", p.name)
					d.text("NetworkOrigin", "Internet")
					d.text("Bucket", p.bucket)
					d.text("AccessPointArn", c.service.pointARN(p))
					d.close("AccessPoint")
				}
			}
			d.close("AccessPointList")
			d.close("ListAccessPointsResult")
		}), nil
	})
}
