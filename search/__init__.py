"""The only room that speaks to Elasticsearch: mapping, documents, queries, index, find."""
