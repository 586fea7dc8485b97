"""What goes wrong with credentials is told without a part of them."""

from botocore.exceptions import CredentialRetrievalError, NoCredentialsError

from sovplatform.backends.aws_api import AwsApi, AwsPlace
from sovplatform.errors import Denied


def test_what_a_program_printed_instead_of_credentials_is_not_told() -> None:
    api = AwsApi(AwsPlace("aws-eusc", "eusc-de-east-1", "123456789012"))
    said = api._unsaid("kms", CredentialRetrievalError(provider="custom-process", error_msg="SecretAccessKey=abc"))
    assert isinstance(said, Denied)
    assert said.reasons == ("custom-process gave none",)
    assert "abc" not in str(said)
    assert api._unsaid("kms", NoCredentialsError()).reasons == ("Unable to locate credentials",)  # type: ignore[attr-defined]
