package s3

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// protection is a bucket's protection against deletion, and its rate limit for deletions.
type protection struct {
	// lock is Object Lock, which cannot be turned off.
	lock bool
	// preset is the retention of new versions.
	preset preset
	// mfa is MFA delete: versions can be deleted only with a device, which no caller here has.
	mfa bool
	// holds are the locks of single versions, by sequence number.
	holds map[uint64]Hold
	// limit is the maximum number of keys deleted per second under one prefix; 0 means no limit.
	limit      float64
	allowances map[string]*allowance
}

// Hold is the Object Lock protection of a version.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
type Hold struct {
	// Mode is "GOVERNANCE", "COMPLIANCE" or "" for no retention, Until when the retention ends.
	Mode  string
	Until time.Time
	// Legal is a legal hold.
	Legal bool
}

// preset is a bucket's default retention: a mode, "" for none, and either days or years.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DefaultRetention.html
type preset struct {
	Mode        string
	Days, Years int
}

// valid reports whether S3 takes the retention.
func (p preset) valid() bool {
	return p == (preset{}) || (p.Mode == "GOVERNANCE" || p.Mode == "COMPLIANCE") && min(p.Days, p.Years) == 0 && max(p.Days, p.Years) > 0
}

// allowance is the number of keys that may be deleted at once under a prefix: at most a second's worth.
type allowance struct {
	keys float64
	at   time.Time
}

var (
	errLocked   = refuse(http.StatusForbidden, "AccessDenied", "Access Denied because object protected by object lock.")
	errNeedsMFA = refuse(http.StatusForbidden, "AccessDenied", "Mfa Authentication must be used for this request")
	errSlowDown = refuse(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	errNoLocks  = refuse(http.StatusNotFound, "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket")
	errNoHold   = refuse(http.StatusNotFound, "NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration")
	errUnlocked = invalidRequest("Bucket is missing Object Lock Configuration")
)

// EnableObjectLock turns on Object Lock, and with it versioning.
func (s *Service) EnableObjectLock(name string) error {
	return s.with(name, func(b *bucket) error { b.lock(); return nil })
}

// lock turns on Object Lock, and with it versioning.
func (b *bucket) lock() {
	b.protection.lock = true
	b.versioning.set(enabled)
}

// SetMFADelete turns MFA delete on or off. Over HTTP this needs the root user's device.
func (s *Service) SetMFADelete(name string, on bool) error {
	return s.with(name, func(b *bucket) error { b.protection.mfa = on; return nil })
}

// SetDeleteLimit limits the number of keys per second that may be deleted under one prefix, the part of the key up to
// its first slash; 0 removes the limit. A request that exceeds it is refused as a whole with SlowDown (docs/facts.md,
// S3).
func (s *Service) SetDeleteLimit(name string, keysPerSecond float64) error {
	return s.with(name, func(b *bucket) error {
		b.protection.limit, b.protection.allowances = keysPerSecond, map[string]*allowance{}
		return nil
	})
}

// SetHold locks the latest version of a key. The zero Hold unlocks it.
func (s *Service) SetHold(name, key string, h Hold) error {
	return s.with(name, func(b *bucket) error {
		e := b.index.get(key)
		if e == nil {
			return errNoSuchKey
		}
		b.protection.hold(e.latest().sequence, h)
		return nil
	})
}

func (p *protection) hold(sequence uint64, h Hold) {
	if p.holds == nil {
		p.holds = map[uint64]Hold{}
	}
	p.holds[sequence] = h
}

// retain gives a new version the bucket's default retention.
func (p *protection) retain(v version) {
	if p.preset.Mode != "" {
		p.hold(v.sequence, Hold{Mode: p.preset.Mode, Until: time.Unix(0, v.modified).AddDate(p.preset.Years, 0, p.preset.Days)})
	}
}

// protects returns an error if the bucket protects the version from deletion.
func (c *call) protects(e *entry, id string) error {
	if id == "" {
		return nil // the call adds a delete marker
	}
	if c.bucket.protection.mfa {
		return errNeedsMFA
	}
	i, err := e.find(id)
	if err != nil || i < 0 {
		return err
	}
	h := c.bucket.protection.holds[e.versions[i].sequence]
	switch {
	case h.Legal:
		return errLocked
	case h.Mode == "" || !h.Until.After(c.service.now()):
		return nil
	case h.Mode == "GOVERNANCE" && c.bypasses() && c.May(c.needOn(c.bucket, e.key, "s3:BypassGovernanceRetention")) == nil:
		return nil
	}
	return errLocked
}

// bypasses reports whether the call asks to bypass governance retention.
func (c *call) bypasses() bool {
	return strings.EqualFold(c.Header.Get("X-Amz-Bypass-Governance-Retention"), "true")
}

// refuseBypass refuses a bypass in a bucket without Object Lock.
func (c *call) refuseBypass() error {
	if c.Header.Get("X-Amz-Bypass-Governance-Retention") != "" && !c.bucket.protection.lock {
		return errNoLock
	}
	return nil
}

// slowDown uses up the allowance for deleting keys, or refuses the call.
func (c *call) slowDown(keys ...string) error {
	p := &c.bucket.protection
	if p.limit == 0 {
		return nil
	}
	need := map[string]float64{}
	for _, key := range keys {
		need[key[:strings.IndexByte(key, '/')+1]]++
	}
	now := time.Now() // the limit is in real time, independent of the service's clock
	for prefix, n := range need {
		a := p.allowances[prefix]
		if a == nil {
			a = &allowance{keys: p.limit, at: now}
			p.allowances[prefix] = a
		}
		a.keys, a.at = min(p.limit, a.keys+now.Sub(a.at).Seconds()*p.limit), now
		if a.keys < n {
			return errSlowDown
		}
	}
	for prefix, n := range need {
		p.allowances[prefix].keys -= n
	}
	return nil
}

// getObjectLock returns whether Object Lock is on.
func (c *call) getObjectLock() (*answer, error) {
	if !c.bucket.protection.lock {
		return nil, errNoLocks
	}
	return asXML(func(d *document) {
		d.root("ObjectLockConfiguration")
		d.text("ObjectLockEnabled", enabled)
		if p := c.bucket.protection.preset; p.Mode != "" {
			d.open("Rule")
			d.open("DefaultRetention")
			d.text("Mode", p.Mode)
			if p.Days > 0 {
				d.text("Days", strconv.Itoa(p.Days))
			} else {
				d.text("Years", strconv.Itoa(p.Years))
			}
			d.close("DefaultRetention")
			d.close("Rule")
		}
		d.close("ObjectLockConfiguration")
	}), nil
}

// putObjectLock turns Object Lock on, which needs versioning, and sets the retention of new versions.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html
func (c *call) putObjectLock() (*answer, error) {
	var want struct {
		XMLName           xml.Name
		ObjectLockEnabled string
		Preset            preset `xml:"Rule>DefaultRetention"`
	}
	err := xml.Unmarshal(c.Body, &want)
	switch {
	case c.holdsEvents():
		return nil, notImplemented("event holds")
	case err != nil || want.XMLName.Local != "ObjectLockConfiguration" || want.ObjectLockEnabled != enabled || !want.Preset.valid():
		return nil, errMalformedXML
	case c.bucket.versioning.value != enabled:
		return nil, refuse(http.StatusConflict, "InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
	}
	c.bucket.protection.lock, c.bucket.protection.preset = true, want.Preset
	return ok(), nil
}

// holdsEvents reports whether a document has an event hold, or a default one.
func (c *call) holdsEvents() bool { return bytes.Contains(c.Body, []byte("EventHold>")) }

// locked finds the version of a call on retention or legal holds.
func (c *call) locked() (version, error) {
	if !c.bucket.protection.lock {
		return version{}, errUnlocked
	}
	e := c.bucket.index.get(c.key)
	if e == nil {
		return version{}, errNoSuchKey
	}
	v := e.latest()
	if id := c.query.Get("versionId"); id != "" {
		i, err := e.find(id)
		if err != nil {
			return v, err
		}
		if i < 0 {
			return v, errNoSuchVersion
		}
		v = e.versions[i]
	}
	if v.object == nil {
		return v, errNotAllowed
	}
	return v, nil
}

// getRetention returns a version's retention.
func (c *call) getRetention() (*answer, error) {
	v, err := c.locked()
	if err != nil {
		return nil, err
	}
	h := c.bucket.protection.holds[v.sequence]
	if h.Mode == "" {
		return nil, errNoHold
	}
	return asXML(func(d *document) {
		d.root("Retention")
		d.text("Mode", h.Mode)
		d.time("RetainUntilDate", h.Until)
		d.close("Retention")
	}), nil
}

// putRetention sets a version's retention. Compliance retention can only be extended, and so can governance retention
// unless it is bypassed.
func (c *call) putRetention() (*answer, error) {
	v, err := c.locked()
	if err != nil {
		return nil, err
	}
	var want struct {
		Mode            string
		RetainUntilDate time.Time
	}
	if c.holdsEvents() {
		return nil, notImplemented("event holds")
	}
	if err := xml.Unmarshal(c.Body, &want); err != nil || want.Mode != "GOVERNANCE" && want.Mode != "COMPLIANCE" {
		return nil, errMalformedXML
	}
	h := c.bucket.protection.holds[v.sequence]
	shorter := want.RetainUntilDate.Before(h.Until) || want.Mode != h.Mode && h.Mode == "COMPLIANCE"
	if shorter && h.Mode != "" && h.Until.After(c.service.now()) && (h.Mode == "COMPLIANCE" || !c.bypasses()) {
		return nil, errLocked
	}
	h.Mode, h.Until = want.Mode, want.RetainUntilDate
	c.bucket.protection.hold(v.sequence, h)
	return ok(), nil
}

// getLegalHold returns whether a version has a legal hold.
func (c *call) getLegalHold() (*answer, error) {
	v, err := c.locked()
	if err != nil {
		return nil, err
	}
	h, found := c.bucket.protection.holds[v.sequence]
	if !found {
		return nil, errNoHold
	}
	status := "OFF"
	if h.Legal {
		status = "ON"
	}
	return asXML(func(d *document) {
		d.root("LegalHold")
		d.text("Status", status)
		d.close("LegalHold")
	}), nil
}

// putLegalHold sets or removes a legal hold.
func (c *call) putLegalHold() (*answer, error) {
	v, err := c.locked()
	if err != nil {
		return nil, err
	}
	var want struct{ Status string }
	if err := xml.Unmarshal(c.Body, &want); err != nil || want.Status != "ON" && want.Status != "OFF" {
		return nil, errMalformedXML
	}
	h := c.bucket.protection.holds[v.sequence]
	h.Legal = want.Status == "ON"
	c.bucket.protection.hold(v.sequence, h)
	return ok(), nil
}
