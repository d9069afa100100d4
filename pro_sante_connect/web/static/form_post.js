// OAuth 2.0 Form Post Response Mode: the answer travels to the service in a form that sends itself.
document.getElementById("response").submit();
