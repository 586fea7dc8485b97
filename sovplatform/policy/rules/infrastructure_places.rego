# Under whose law the clouds' locations are: code to ISO 3166-1 code of the country. The same as the providers' locations.py; a test
# holds them equal. What is not here is nowhere.
package sovplatform.infrastructure

import rego.v1

aws_places := {
	"af-south-1": "ZA",
	"ap-east-1": "HK",
	"ap-east-2": "TW",
	"ap-northeast-1": "JP",
	"ap-northeast-2": "KR",
	"ap-northeast-3": "JP",
	"ap-south-1": "IN",
	"ap-south-2": "IN",
	"ap-southeast-1": "SG",
	"ap-southeast-2": "AU",
	"ap-southeast-3": "ID",
	"ap-southeast-4": "AU",
	"ap-southeast-5": "MY",
	"ap-southeast-6": "NZ",
	"ap-southeast-7": "TH",
	"ca-central-1": "CA",
	"ca-west-1": "CA",
	"cn-north-1": "CN",
	"cn-northwest-1": "CN",
	"eu-central-1": "DE",
	"eu-central-2": "CH",
	"eu-north-1": "SE",
	"eu-south-1": "IT",
	"eu-south-2": "ES",
	"eu-west-1": "IE",
	"eu-west-2": "GB",
	"eu-west-3": "FR",
	"eusc-de-east-1": "DE",
	"il-central-1": "IL",
	"me-central-1": "AE",
	"me-south-1": "BH",
	"me-west-1": "SA",
	"mx-central-1": "MX",
	"sa-east-1": "BR",
	"sa-west-1": "CL",
	"us-east-1": "US",
	"us-east-2": "US",
	"us-gov-east-1": "US",
	"us-gov-west-1": "US",
	"us-west-1": "US",
	"us-west-2": "US",
}

google_places := {
	"africa-south1": "ZA",
	"asia-east1": "TW",
	"asia-east2": "HK",
	"asia-northeast1": "JP",
	"asia-northeast2": "JP",
	"asia-northeast3": "KR",
	"asia-south1": "IN",
	"asia-south2": "IN",
	"asia-southeast1": "SG",
	"asia-southeast2": "ID",
	"australia-southeast1": "AU",
	"australia-southeast2": "AU",
	"europe-central2": "PL",
	"europe-north1": "FI",
	"europe-north2": "SE",
	"europe-southwest1": "ES",
	"europe-west1": "BE",
	"europe-west2": "GB",
	"europe-west3": "DE",
	"europe-west4": "NL",
	"europe-west6": "CH",
	"europe-west8": "IT",
	"europe-west9": "FR",
	"europe-west10": "DE",
	"europe-west12": "IT",
	"me-central1": "QA",
	"me-central2": "SA",
	"me-west1": "IL",
	"northamerica-northeast1": "CA",
	"northamerica-northeast2": "CA",
	"northamerica-south1": "MX",
	"southamerica-east1": "BR",
	"southamerica-west1": "CL",
	"us-central1": "US",
	"us-east1": "US",
	"us-east4": "US",
	"us-east5": "US",
	"us-south1": "US",
	"us-west1": "US",
	"us-west2": "US",
	"us-west3": "US",
	"us-west4": "US",
}

# A zone is where its region is: eu-central-1a, europe-west3-a.
country(location) := aws_places[location]

country(location) := google_places[location]

country(location) := aws_places[substring(location, 0, count(location) - 1)]

country(location) := google_places[substring(location, 0, count(location) - 2)]
