package client_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"thaw.dev/thaw/client"
)

func ExampleClient_Invoke() {
	// A server that answers like a function would, in place of `thaw serve`.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Executed-Version", "$LATEST")
		fmt.Fprint(w, `{"greeting":"hello"}`)
	}))
	defer server.Close()

	c, err := client.New(client.Options{Endpoint: server.URL, AccessKey: "AKIDEXAMPLE", SecretKey: "secret"})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	out, err := c.Invoke(context.Background(), client.InvokeInput{Function: "hello", Payload: []byte(`{"name":"you"}`)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out.FunctionError == "", string(out.Payload))
	// Output: true {"greeting":"hello"}
}

// Deploying is creating, or updating what is there, and waiting until it serves.
func ExampleClient_WaitActive() {
	options, err := client.FromEnvironment()
	if err != nil {
		log.Fatal(err)
	}
	c, err := client.New(options)
	if err != nil {
		log.Fatal(err)
	}
	zip, err := os.ReadFile("function.zip")
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	_, err = c.CreateFunction(ctx, client.CreateFunctionInput{
		FunctionName: "hello", Runtime: "python3.11", Handler: "app.handler",
		Role: "arn:aws:iam::000000000000:role/any", Code: client.CodeInput{ZipFile: zip},
	})
	if client.IsCode(err, "ResourceConflictException") {
		_, err = c.UpdateFunctionCode(ctx, "hello", zip)
	}
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.WaitActive(ctx, "hello"); err != nil {
		log.Fatal(err)
	}
}
