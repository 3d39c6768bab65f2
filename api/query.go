package api

import (
	"bytes"
	"encoding/xml"
	"net/url"
	"strings"
	"time"
)

// Namespaces and versions of the APIs that speak the query protocol: a form in, XML out.
const (
	STSNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"
	STSVersion   = "2011-06-15"
	IAMNamespace = "https://iam.amazonaws.com/doc/2010-05-08/"
	IAMVersion   = "2010-05-08"
)

// QueryAnswer is the XML body of an answer.
type QueryAnswer struct {
	Namespace, Action string
	Result            any // encoded as <ActionResult>; nil: there is none
	RequestID         string
}

// Encode writes the answer without an XML declaration, as the services do.
func (a QueryAnswer) Encode() ([]byte, error) {
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	root := element(a.Action + "Response")
	root.Attr = []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: a.Namespace}}
	err := e.EncodeToken(root)
	if err == nil && a.Result != nil {
		err = e.EncodeElement(a.Result, element(a.Action+"Result"))
	}
	if err == nil {
		err = e.EncodeElement(struct{ RequestId string }{a.RequestID}, element("ResponseMetadata")) //nolint:revive // the name on the wire
	}
	if err == nil {
		err = e.EncodeToken(root.End())
	}
	if err == nil {
		err = e.Close()
	}
	return b.Bytes(), err
}

func element(name string) xml.StartElement { return xml.StartElement{Name: xml.Name{Local: name}} }

// QueryError is the XML body of an error.
type QueryError struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Namespace string   `xml:"xmlns,attr"`
	Type      string   `xml:"Error>Type"` // "Sender" or "Receiver"
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

// Encode writes the error without an XML declaration.
func (e QueryError) Encode() ([]byte, error) { return xml.Marshal(e) }

// QueryList is a list of the query protocol: <member> elements, and an element of its own when it is empty.
type QueryList[T any] []T

// MarshalXML implements xml.Marshaler.
func (l QueryList[T]) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for _, member := range l {
		if err := e.EncodeElement(member, element("member")); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

// QueryTime writes a time as the query protocol has it.
func QueryTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// QueryDocument writes a policy document as IAM does inside its answers: percent-encoded, as in RFC 3986.
func QueryDocument(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
