// Package traps has one test for each thing that emulators of Lambda usually get wrong, on one real server with real
// sandboxes that all of them share. A test here looks at what a client or a function sees from outside; what another test
// proves is not repeated. The list:
//
//	Trap                        Test                      and elsewhere
//	streaming                   TestStreaming             test/functions TestStreamNode, TestStreamProvided, gateway TestURLStreamFailsMidway
//	life cycle                  TestLifecycle             test/slots TestIdleEnvironmentsAreFrozen (freeze), test/functions TestTimeout,
//	                                                      TestInitThatIsTooSlowRunsAgainInTheInvocation (10 s), TestEnvironment (Init
//	                                                      Duration once), TestInternalExtension (SIGTERM with extensions)
//	State and RevisionId        TestStateAndRevision      gateway TestRevisionIDs, control TestLifeOfAFunction, TestUpdatePreconditions
//	keys of errors              TestErrorKey              gateway TestInvokeErrors
//	404 where 200 is due        TestNothingThere
//	paths and verbs             TestPathsAndVerbs         gateway TestEveryOperationIsRouted, TestRouting, TestNames
//	forms of times              TestTimes
//	forms of ARNs               TestARNs, TestAsync (records)
//	throttling, concurrency     TestThrottling            invoke TestAdmissionFollowsTheModel, TestRequestsPerSecond, TestSyncThrottlesAtTheAccountsLimit, control
//	                                                      TestReservedConcurrency, pool TestAFunctionThatGrowsTooFastIsRefused
//	asynchronous invocation     TestAsync                 async TestRetriesExhausted (back-off, one request id), TestThrottlesDoNotCount,
//	                                                      TestEventAgeExceeded, destination TestBucket, TestQueue (DLQ attributes), test/events
//	payloads                    TestPayloads              gateway TestBodyLimits, TestEventInvocation
//	failures and log tail       TestFailuresAndLogTail    test/functions TestPython, TestNode, TestProvided
//	policies                    TestPolicies              gateway TestOtherAccounts, TestURLWithIAM, TestPassRole, test/functions
//	                                                      TestFunctionsHaveTheirRole (what a role may)
//	function URLs               TestFunctionURL           gateway TestURLAnswers, TestURLCrossOrigin, TestURLHosts
//	settings not applied        TestSettings              test/functions TestJSONLogs, TestHostileFunctionsAreContained, gateway
//	                                                      TestSettingsThatCannotBeEnforced
//	extensions                  TestExtensions            test/functions TestExternalExtension (variables, crash), TestInternalExtension (window),
//	                                                      TestExtensionThatCannotStart (10), TestTelemetryExtension
//	Runtime API                 TestRuntimeAPI            agent/runtimeapi TestDuringPost, TestErrorTypes, test/functions TestMetadata
//	queue mappings              TestQueueMapping          mappings of every kind are refused by name: nothing polls yet
//	stream, Kafka, MQ mappings  TestStreamMappings
//	filters                     TestFilters
//	aliases, versions           TestAliasesAndVersions    control TestWeightedAliasSplits, TestVersions
//	SnapStart, provisioned      TestProvisioned           test/slots TestSnapStartRunsTheHooks, TestSnapStartThatCannotBe,
//	                                                      TestProvisionedConcurrencyFollowsItsAlias
//	deployment packages         TestZip                   code TestPutAndImage
//	layers, recursion           TestLayersAndLineage      test/functions TestLayers, gateway TestLayersOfAnotherAccount, test/events TestLoopIsStopped
//
// One rule is not kept, on purpose: requests per second are not bounded by ten times the concurrency
// (docs/decisions/0011-admission.md).
package traps
