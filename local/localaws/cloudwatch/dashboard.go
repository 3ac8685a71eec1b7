package cloudwatch

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// dashboardNames matches valid names of dashboards.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
var dashboardNames = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

// dashboard is a dashboard's body, and when it was last put.
type dashboard struct {
	body    string
	changed time.Time
}

// PutDashboard creates or replaces a dashboard. It refuses a body that is not a JSON object with widgets; it does not
// check the widgets.
func (s *Service) PutDashboard(name, body string) error {
	var board struct{ Widgets []map[string]any }
	if err := json.Unmarshal([]byte(body), &board); err != nil || board.Widgets == nil {
		return refuse("InvalidParameterInput", "The field DashboardBody must be a valid JSON object with widgets (%v).", err)
	}
	if !dashboardNames.MatchString(name) {
		return refuse("InvalidParameterInput", "The value %q for field DashboardName contains invalid characters.", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dashboards[name] = dashboard{body, s.options.Now()}
	return nil
}

// Dashboard returns the body of a dashboard, unchanged. ok is false if there is no dashboard with that name.
func (s *Service) Dashboard(name string) (body string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.dashboards[name]
	return d.body, ok
}

// DeleteDashboard removes a dashboard, if it exists.
func (s *Service) DeleteDashboard(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.dashboards, name)
}

// putDashboard stores a dashboard.
func (s *Service) putDashboard(in object) (object, error) {
	return object{"DashboardValidationMessages": []any{}}, s.PutDashboard(in.text("DashboardName"), in.text("DashboardBody"))
}

// getDashboard returns a dashboard.
func (s *Service) getDashboard(in object) (object, error) {
	name := in.text("DashboardName")
	body, ok := s.Dashboard(name)
	if !ok {
		return nil, &api.Error{Status: http.StatusNotFound, Code: "ResourceNotFound", Message: "Dashboard " + name + " does not exist"}
	}
	return object{"DashboardArn": s.dashboardARN(name), "DashboardBody": body, "DashboardName": name}, nil
}

func (s *Service) dashboardARN(name string) string {
	return "arn:" + s.options.Partition + ":cloudwatch::" + s.options.Account + ":dashboard/" + name
}

// listDashboards returns the dashboards whose names have a prefix.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListDashboards.html
func (s *Service) listDashboards(in object) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries := []any{}
	for _, name := range slices.Sorted(maps.Keys(s.dashboards)) {
		if d := s.dashboards[name]; strings.HasPrefix(name, in.text("DashboardNamePrefix")) {
			entries = append(entries, object{"DashboardName": name, "DashboardArn": s.dashboardARN(name), "LastModified": d.changed, "Size": len(d.body)})
		}
	}
	return object{"DashboardEntries": entries}, nil
}

// deleteDashboards deletes dashboards: all of them, or none if one does not exist.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DeleteDashboards.html
func (s *Service) deleteDashboards(in object) (object, error) {
	for _, name := range in.texts("DashboardNames") {
		if _, ok := s.Dashboard(name); !ok {
			return nil, &api.Error{Status: http.StatusNotFound, Code: "ResourceNotFound", Message: "Dashboard " + name + " does not exist"}
		}
	}
	for _, name := range in.texts("DashboardNames") {
		s.DeleteDashboard(name)
	}
	return object{}, nil
}

// namedDashboard and namedDashboards are the parameters by which the records of calls name dashboards.
func namedDashboard(in object) map[string]any {
	return map[string]any{"dashboardName": in.text("DashboardName")}
}

func namedDashboards(in object) map[string]any {
	return map[string]any{"dashboardNames": in.texts("DashboardNames")}
}
