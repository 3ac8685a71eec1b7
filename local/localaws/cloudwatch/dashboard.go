package cloudwatch

import (
	"encoding/json"
	"net/http"
	"regexp"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// dashboardNames matches valid names of dashboards.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
var dashboardNames = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

// PutDashboard creates or replaces a dashboard. It refuses a body that is not a JSON object with widgets; it does not
// check the widgets.
func (s *Service) PutDashboard(name, body string) error {
	var board struct{ Widgets []map[string]any }
	if err := json.Unmarshal([]byte(body), &board); err != nil || board.Widgets == nil {
		return invalid("The field DashboardBody must be a valid JSON object with widgets (%v).", err)
	}
	if !dashboardNames.MatchString(name) {
		return invalid("The value %q for field DashboardName contains invalid characters.", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dashboards[name] = body
	return nil
}

// Dashboard returns the body of a dashboard, unchanged. ok is false if there is no dashboard with that name.
func (s *Service) Dashboard(name string) (body string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, ok = s.dashboards[name]
	return body, ok
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
	arn := "arn:" + s.options.Partition + ":cloudwatch::" + s.options.Account + ":dashboard/" + name
	return object{"DashboardArn": arn, "DashboardBody": body, "DashboardName": name}, nil
}
